"""A search field is one line: the table serves the parser, both indexes, help and documents."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest

from ingest.adapters.elastic_index.schema import fields_of
from ingest.search_fields import ANYWHERE, SEARCH_FIELDS, SearchField
from tests.builders import an_indexed_document
from tests.elastic_archive import Archive
from tests.house.project_files import ROOT

#: The recipe of CONTRIBUTING.md, carried out for a field that documents have and nobody can ask for.
LINE = '    SearchField("rights", "value", "licence", "the licence", 99, 98, "rights"),\n'
MAPPING = {
    "type": "keyword",
    "ignore_above": 1024,
    "fields": {"key": {"type": "keyword", "ignore_above": 1024, "normalizer": "news_key"}},
}
TRIAL = """
import sys
from pathlib import Path
from tests.builders import NOW, an_indexed_document
from ingest import search_fields
from ingest.adapters.elastic_index import ElasticIndex
from ingest.adapters.sqlite_index import SqliteIndex
from ingest.ports import IndexWrite
from ingest.query import SearchRequest
from ingest.search.parse import parse
from ingest.settings.options import IndexOptions

folder, url, prefix = Path(sys.argv[1]), *sys.argv[2:]
assert Path(search_fields.__file__).is_relative_to(folder)
options = IndexOptions(url=url or "sqlite:index.db", prefix=prefix)
if url:
    index = ElasticIndex(options, config_folder=folder / "config", clock=lambda: NOW)
else:
    index = SqliteIndex(folder / "index.db", options, clock=lambda: NOW)
index.apply(NOW)
documents = [an_indexed_document("one", licence="CC BY—Ñ"), an_indexed_document("two")]
print([one.kind for one in index.put([IndexWrite(one) for one in documents])])
index.refresh()
found = index.search(SearchRequest(query=parse('rights:"cc by-n"', NOW), facets=("rights",)))
print([hit.document.id == documents[0].id for hit in found.hits], found.facets["rights"][0].value)
"""


def carried_out(folder: Path, *engine: str) -> list[str]:
    """Add the field in a copy of the code, and return what a search there prints."""
    shutil.copytree(ROOT / "ingest", folder / "ingest", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copytree(ROOT / "config", folder / "config")
    table = folder / "ingest" / "search_fields.py"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("\n)  # fmt: skip", f"\n{LINE})  # fmt: skip", 1), "utf-8")
    mapping = folder / "config" / "index" / "documents.json"
    content = json.loads(mapping.read_text(encoding="utf-8"))
    content["mappings"]["properties"]["licence"] = MAPPING
    mapping.write_text(json.dumps(content), encoding="utf-8")
    path = os.pathsep.join(map(str, (folder, ROOT / "tests", ROOT)))
    run = subprocess.run(
        [sys.executable, "-c", TRIAL, str(folder), *(engine or ("", ""))],
        env=os.environ | {"PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


EXPECTED = ["['written', 'written']", "[True] CC BY—Ñ"]


def test_one_line_and_a_mapping_make_a_field_on_the_embedded_index(tmp_path: Path) -> None:
    assert carried_out(tmp_path) == EXPECTED


@pytest.mark.elasticsearch
def test_one_line_and_a_mapping_make_a_field_on_elasticsearch(
    elasticsearch_url: str, tmp_path: Path
) -> None:
    archive = Archive(elasticsearch_url)
    try:
        assert carried_out(tmp_path, elasticsearch_url, archive.prefix) == EXPECTED
    finally:
        archive.remove()


def test_names_and_stored_numbers_are_used_once() -> None:
    written = [name for field in SEARCH_FIELDS for name in field.written]
    bits = [field.number for field in SEARCH_FIELDS if field.kind == "flag"]
    others = [field for field in SEARCH_FIELDS if field.kind != "flag"]
    kinds = [*filter(None, (number for one in others for number in (one.number, one.facet)))]
    assert len(set(written)) == len(written)
    assert sorted(bits) == [1 << place for place in range(len(bits))]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("field", [ANYWHERE, *SEARCH_FIELDS], ids=lambda field: field.name)
def test_a_field_leads_to_what_documents_and_mapping_have(field: SearchField) -> None:
    mapping = json.loads((ROOT / "config" / "index" / "documents.json").read_text("utf-8"))
    mapped = {path for path, _ in fields_of(mapping["mappings"]["properties"])}
    assert {name.partition("^")[0] for name in field.elastic_fields} <= mapped
    document = an_indexed_document()
    for path in field.path.split():
        attrgetter(path)(document)


@pytest.mark.parametrize("field", SEARCH_FIELDS, ids=lambda field: field.name)
def test_the_readme_shows_every_field(field: SearchField) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = readme.partition("## Searching")[2].partition("\n## ")[0]
    names = [f"`{field.name}`"] if field.kind == "flag" else []
    assert any(name in rows for name in (*field.written, *names)), f"{field.name} is not shown"
