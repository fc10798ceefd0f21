"""A step that raises costs its own fields only, and is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ingest.model import Document
from processors.extract_document.make_document import Steps, make_document
from processors.extract_document.options import Options
from processors.extract_document.read import HtmlReading, html_reader
from tests.unit.extract_pages import PARAGRAPHS, html_of, page_of


def reading() -> HtmlReading:
    return html_reader(Options())(
        html_of().encode(), "text/html", "https://elsin-courier.example/a"
    )


def document(entry: dict[str, Any] | None = None, **broken: Any) -> Document:
    """Return the document of a page whose metadata hold values of wrong types, as no reader gives."""
    found = reading()
    metadata = msgspec.structs.replace(found.metadata, **broken)
    return make_document(page_of(html_of(), entry), msgspec.structs.replace(found, metadata=metadata), Options())  # fmt: skip


@pytest.mark.parametrize(
    ("broken", "failed"),
    [
        ({"named": {"og:title": 7}}, "title"),
        ({"named": {"date": 7}}, "dates"),
        ({"named": {"author": 7}}, "authors"),
        ({"named": {"article:section": 7}}, "section"),
        ({"named": {"og:video": 7}}, "media"),
        ({"several": {"article:tag": (7,)}}, "tags"),
    ],
)
def test_a_failing_step_loses_its_own_fields_only(broken: dict[str, Any], failed: str) -> None:
    found = document({"title": "From the feed"}, **broken)
    assert "\n\n".join(PARAGRAPHS) in found.text
    assert failed in found.extraction.failed_steps
    assert found.provenance[failed].why.partition(":")[0] in ("TypeError", "AttributeError")
    assert found.title
    assert found.published_at is not None


def test_a_page_without_faults_has_no_failed_steps() -> None:
    assert document().extraction.failed_steps == ()


def test_memory_that_is_not_there_is_no_fault_of_a_step() -> None:
    def starve() -> str:
        raise MemoryError

    def starve_in_c() -> str:
        raise ValueError("Memory allocation failed : growing buffer")

    steps = Steps()
    with pytest.raises(MemoryError):
        steps("title", starve, "")
    with pytest.raises(ValueError, match="allocation"):
        steps("title", starve_in_c, "")
    assert steps.failed == {}
