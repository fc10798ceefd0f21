"""`news-ingest evaluate`: sentences go out as a spreadsheet, come back corrected, and are scored."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ingest.bootstrap.engines import open_index
from ingest.cli.main import app
from ingest.errors import NewsIngestError
from ingest.model import Mention
from ingest.operations.enrichment.gold import GoldRow, read_spreadsheet, rows_of, spreadsheet
from ingest.ports import IndexWrite
from ingest.settings.load import load
from tests.builders import a_document, an_indexed_document

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[2] / "config"
TEXT = (
    "Barack Obama met Angela Merkel in Berlin on Monday. Merkel smiled.\n\n"
    "Then Barack Obama flew to Paris."
)


def evaluate(*arguments: str | Path) -> Result:
    """Run `news-ingest evaluate ARGUMENTS`."""
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


@pytest.fixture
def gold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the exported spreadsheet of two files, one in English and one in Spanish."""
    monkeypatch.chdir(tmp_path)
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.txt").write_text(f"Title: Talks in Berlin\nLanguage: en\n\n{TEXT}\n")
    (texts / "b.txt").write_text("Title: Visita\nLanguage: es\n\nBarack Obama viajó a Madrid.\n")
    done = evaluate("export", texts, "--to", "gold.csv")
    assert done.exit_code == 0, done.output
    assert "2 documents, 6 sentences" in done.output
    return tmp_path / "gold.csv"


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a spreadsheet by column."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def scored(path: Path, *arguments: str) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return names, found and right by language and type."""
    done = evaluate("score", path, "--json", *arguments)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.output.splitlines()]
    return {
        (one["language"], one["type"]): (one["gold"], one["found"], one["right"]) for one in lines
    }


def test_a_row_is_a_sentence_with_the_names_found_in_it(gold: Path) -> None:
    rows = table(gold)
    assert [row["paragraph"] for row in rows[:4]] == ["title", "1", "1", "2"]
    assert rows[1]["text"] == "Barack Obama met Angela Merkel in Berlin on Monday."
    assert rows[1]["people"] == "Angela Merkel; Barack Obama"
    assert rows[1]["places"] == "Berlin"
    assert {row["language"] for row in rows} == {"en", "es"}


def test_an_uncorrected_sheet_scores_one_and_a_corrected_one_less(gold: Path) -> None:
    for wanted, found, right in scored(gold).values():
        assert wanted == found == right
    changed = gold.read_text("utf-8-sig").replace("Barack Obama,,Paris", "Barack Obama,Paris,")
    assert changed != gold.read_text("utf-8-sig")
    gold.write_text(changed)
    after = scored(gold)
    assert after["en", "organisation"] == (1, 0, 0)
    wanted, found, right = after["en", "place"]
    assert (found - wanted, found - right) == (1, 1)
    assert after["es", "all"][0] == after["es", "all"][2]
    shown = evaluate("score", gold).output
    assert "organisation" in shown
    assert "F1" in shown


def test_engines_are_scored_side_by_side(gold: Path) -> None:
    done = evaluate("score", gold, "--json", "--engine", "builtin", "--engine", "off")
    lines = [json.loads(line) for line in done.output.splitlines()]
    found = {one["engine"]: one["found"] for one in lines if one["type"] == "all"}
    assert found["builtin"] > 0
    assert found["off"] == 0


def test_a_sheet_saved_by_a_spreadsheet_program_is_read(gold: Path) -> None:
    rows = table(gold)
    with gold.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    for wanted, _, right in scored(gold).values():
        assert wanted == right


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("Angela Merkel; Barack", "Angela Merkle; Barack", "the text has no 'Angela Merkle'"),
        ("Barack Obama met Angela Merkel in Berlin on Monday.", "", "without a document or a text"),
    ],
)
def test_a_broken_row_is_named_with_file_and_line(
    gold: Path, before: str, after: str, what: str
) -> None:
    gold.write_text(gold.read_text("utf-8-sig").replace(before, after, 1))
    done = evaluate("score", gold)
    assert done.exit_code == 1
    with pytest.raises(NewsIngestError) as raised:
        read_spreadsheet(gold)
    assert what in raised.value.what
    assert raised.value.value == f"{gold}:3"
    assert raised.value.remedy


def test_a_sheet_without_a_column_or_in_another_encoding_is_refused(gold: Path) -> None:
    gold.write_text(gold.read_text("utf-8-sig").replace("people", "persons", 1))
    with pytest.raises(NewsIngestError, match="no column people"):
        read_spreadsheet(gold)
    gold.write_bytes("document,été\n".encode("latin-1"))
    with pytest.raises(NewsIngestError, match="not UTF-8"):
        read_spreadsheet(gold)


def test_an_existing_sheet_is_never_overwritten(gold: Path) -> None:
    before = gold.read_bytes()
    done = evaluate("export", gold.parent / "texts", "--to", gold)
    assert done.exit_code == 2
    assert gold.read_bytes() == before


def test_cells_that_a_spreadsheet_would_run_are_kept_as_text(tmp_path: Path) -> None:
    rows = [
        GoldRow("=1+1", "en", "1", "=HYPERLINK(1) by Ann Lee", frozenset({("person", "Ann Lee")})),
        GoldRow("b", "nl", "1", "'t Hart kwam.", frozenset({("person", "'t Hart")})),
    ]
    path = tmp_path / "gold.csv"
    path.write_text(spreadsheet(rows), encoding="utf-8")
    assert read_spreadsheet(path) == rows
    assert not any(cell.startswith("=") for row in table(path) for cell in row.values())


def test_names_of_the_title_stand_in_its_row() -> None:
    def mention(field: str, start: int) -> Mention:
        name = {"type": "person", "start": start, "end": start + 7, "text": "Ann Lee"}
        return Mention(**name, field=field, rule="rule", strength="strong")  # type: ignore[arg-type]

    document = a_document(
        title="Ann Lee wins", text="A win for Ann Lee.", language="en",
        mentions=(mention("text", 10), mention("title", 0)),
    )  # fmt: skip
    names = frozenset({("person", "Ann Lee")})
    title, sentence = rows_of("a", document)
    assert (title.paragraph, title.names) == ("title", names)
    assert (sentence.text, sentence.names) == ("A win for Ann Lee.", names)


def test_documents_come_from_the_archive_by_a_query(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config, ignore=shutil.ignore_patterns("kibana", ".*"))
    index = open_index(load(config))
    documents = [an_indexed_document(name, title=f"A {name}") for name in ("flood", "storm")]
    index.put([IndexWrite(one) for one in documents])
    index.refresh()
    index.close()
    sheet = tmp_path / "gold.csv"
    done = evaluate("export", "--query", "title:storm", "--to", sheet, "--config", config)
    assert done.exit_code == 0, done.output
    rows = table(sheet)
    assert {row["document"] for row in rows} == {documents[1].id}
    assert rows[0]["text"] == "A storm"
