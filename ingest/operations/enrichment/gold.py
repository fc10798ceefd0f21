"""A person's own gold set: a spreadsheet of sentences with names, and scores against it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec

from ingest.errors import NewsIngestError
from ingest.model import ENTITY_TYPES, EnrichedDocument
from ingest.operations.enrichment.documents import TextJob, read_text
from ingest.operations.enrichment.reports import Chain, build_enricher
from ingest.terms import sentences

TITLE = "title"
_TYPE_COLUMNS = dict(zip(ENTITY_TYPES, ("people", "organisations", "places"), strict=True))
COLUMNS = ("document", "language", "paragraph", "text", *_TYPE_COLUMNS.values())
#: Spreadsheets run a cell that begins so as a formula; an apostrophe before it prevents that.
_RISKY = tuple("=+-@\t\r'")

Names = frozenset[tuple[str, str]]


class GoldRow(NamedTuple):
    """One sentence with its names, as pairs of type and name; `paragraph` is `title` or a number."""

    document: str
    language: str
    paragraph: str
    text: str
    names: Names


class NameScore(NamedTuple):
    """How many names of a type an engine found in the documents of a language."""

    engine: str
    language: str
    type: str
    gold: int
    found: int
    right: int

    @property
    def figures(self) -> tuple[float, float, float]:
        """Return precision, recall and F1."""
        both = self.gold + self.found
        return (
            self.right / max(self.found, 1),
            self.right / max(self.gold, 1),
            2 * self.right / max(both, 1),
        )


def rows_of(id: str, document: EnrichedDocument) -> Iterator[GoldRow]:
    """Return the title and the sentences of a document, with the names that were found in them.

    A name counts once a sentence, and only if it is whole in it.
    """
    for field, number, start, piece in _pieces(document):
        end = start + len(piece)
        names = frozenset(
            (one.type, " ".join(one.text.split()))
            for one in document.mentions
            if getattr(one, "field", "text") == field and start <= one.start and one.end <= end
        )
        yield GoldRow(id, document.language, number, " ".join(piece.split()), names)


def _pieces(document: EnrichedDocument) -> Iterator[tuple[str, str, int, str]]:
    """Return field, paragraph, start and text of the title and of each sentence."""
    if document.title.strip():
        yield "title", TITLE, 0, document.title
    start = paragraph = 0
    for number, piece in enumerate(sentences(document.text)):
        at = document.text.index(piece, start)
        paragraph += not number or "\n" in document.text[start:at]
        yield "text", str(paragraph), at, piece
        start = at + len(piece)


def spreadsheet(rows: Iterable[GoldRow]) -> str:
    """Return the rows as a CSV file; several names in a cell are separated by `; `."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in rows:
        cells = [
            "; ".join(sorted(name for kind, name in row.names if kind == type))
            for type in ENTITY_TYPES
        ]
        writer.writerow(f"'{one}" if one.startswith(_RISKY) else one for one in (*row[:4], *cells))
    return file.getvalue()


def read_spreadsheet(path: Path) -> list[GoldRow]:
    """Return the rows of a file, separated by comma, semicolon or tab.

    Errors: NewsIngestError, with file and line, for a row that is not as exported; OSError.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "save it as CSV UTF-8"
        raise NewsIngestError(f"not UTF-8: {error}", value=str(path), remedy=remedy) from error
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        what = f"no column {', '.join(missing)}"
        remedy = f"the first line names the columns: {', '.join(COLUMNS)}"
        raise NewsIngestError(what, value=f"{path}:1", remedy=remedy)
    return [_row(cells, f"{path}:{reader.line_num}") for cells in reader]


def _row(cells: dict[str, str | None], place: str) -> GoldRow:
    row = [_cell(cells[name]) for name in COLUMNS]
    if not row[0] or not row[3]:
        what = "a row without a document or a text"
        raise NewsIngestError(what, value=place, remedy="restore it, or delete the row")
    names = frozenset(
        (type, " ".join(name.split()))
        for type, column in zip(ENTITY_TYPES, row[4:], strict=True)
        for name in column.replace("\n", ";").split(";")
        if name.strip()
    )
    for _, name in sorted(names):
        if name not in row[3]:
            remedy = "write it as the text has it; separate names by `;`"
            raise NewsIngestError(f"the text has no {name!r}", value=place, remedy=remedy)
    return GoldRow(row[0], row[1], row[2], row[3], names)


def _cell(value: str | None) -> str:
    cell = value or ""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell


def scores(rows: Sequence[GoldRow], chain: Chain, engines: Sequence[str] = ()) -> list[NameScore]:
    """Return the scores by engine, language and type, with those of all types together.

    An engine is a `backend` of find_entities; none is the one of the settings.
    Errors: those of the chain.
    """
    found = []
    for engine in engines or ("",):
        counts: dict[str, Counter[tuple[str, str]]] = {}
        name = engine
        enrich = build_enricher(_with_engine(chain, engine))
        for _, group in groupby(rows, key=lambda row: row.document):
            gold = list(group)
            document, _ = enrich(_document(gold))
            name = engine or document.enrichment.engines.get("find_entities", "none")
            _count(counts.setdefault(gold[0].language or "?", Counter()), gold, document)
        found += [
            NameScore(
                name, language, type, *(many[kind, type] for kind in ("gold", "found", "right"))
            )
            for language, many in sorted(counts.items())
            for type in (*ENTITY_TYPES, "all")
        ]
    return found


def _with_engine(chain: Chain, engine: str) -> Chain:
    changed = {"backend": engine} if engine else {}
    items = [
        item._replace(options={**item.options, **changed}) if item.name == "find_entities" else item
        for item in chain.items
    ]
    return chain._replace(items=tuple(items))


def _document(rows: Sequence[GoldRow]) -> EnrichedDocument:
    """Return the document that these rows were made of, paragraphs apart."""
    bodies = groupby((row for row in rows if row.paragraph != TITLE), key=lambda row: row.paragraph)
    line = {
        "title": " ".join(row.text for row in rows if row.paragraph == TITLE),
        "text": "\n\n".join(" ".join(row.text for row in group) for _, group in bodies),
        "language": rows[0].language,
    }
    return read_text(TextJob(rows[0].document, "", msgspec.json.encode(line))).document


def _count(
    counts: Counter[tuple[str, str]], gold: Sequence[GoldRow], document: EnrichedDocument
) -> None:
    """Add the names of a document: each sentence is looked for in order."""
    start = 0
    for row in gold:
        field, text = (
            ("title", document.title) if row.paragraph == TITLE else ("text", document.text)
        )
        at = text.index(row.text, 0 if field == "title" else start)
        end = at + len(row.text)
        found = {
            (one.type, one.text)
            for one in document.mentions
            if getattr(one, "field", "text") == field and at <= one.start and one.end <= end
        }
        start = start if field == "title" else end
        for kind, names in (("gold", row.names), ("found", found), ("right", row.names & found)):
            for type, _ in names:
                counts[kind, type] += 1
                counts[kind, "all"] += 1
