"""The pages of seeds/extraction, read from disk as `ingest` does, against what must come out of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from ingest.sources.documents.files import make_page
from processors.extract_document import Options
from processors.extract_document.child import page_extractor

FOLDER = Path(__file__).parents[2] / "seeds" / "extraction"
EXPECTED: dict[str, dict[str, Any]] = YAML(typ="safe", pure=True).load(
    (FOLDER / "fields.yml").read_text(encoding="utf-8")
)
SEEN_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_every_page_has_its_expectation() -> None:
    assert {path.name for path in FOLDER.glob("*.html")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_page_gives_what_it_was_written_for(name: str) -> None:
    path = FOLDER / name
    page = make_page(str(path), path.read_bytes(), "html", now=SEEN_AT, changed_at=SEEN_AT)
    document = page_extractor(Options().model_dump(), "test")(page)
    found = msgspec.json.decode(msgspec.json.encode(document))
    wanted = dict(EXPECTED[name])
    assert document.text.endswith(wanted.pop("ends_with", ""))
    assert {key: found.get(key, default_of(key)) for key in wanted} == wanted


def default_of(key: str) -> Any:
    """Return what a field says that is left out where it says the default."""
    return {"authors": [], "agencies": []}.get(
        key, False if key.startswith(("is_", "has_")) else ""
    )
