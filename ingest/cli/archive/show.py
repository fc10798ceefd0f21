"""`news-ingest show`: prints one document of the archive."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from ingest.cli.archive.revisions import as_plain
from ingest.cli.context import ConfigOption, JsonOption, opened_index, settings_of, shows_errors
from ingest.cli.terminal_text import out, print_json, print_table, shown
from ingest.errors import NewsIngestError
from ingest.model import IndexedDocument
from ingest.ports import RevisionRequest

#: Maximum number of revisions that `--json` prints; `revisions` pages through all.
SHOWN_REVISIONS = 100


@shows_errors
def show(
    id: Annotated[str, typer.Argument(help="Document id, as `search` shows it.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Print one document; with --json, everything that is stored for it."""
    settings = settings_of(config)
    with opened_index(settings) as index:
        document = index.get(id)
        request = RevisionRequest(document_id=id, size=SHOWN_REVISIONS)
        found = index.revisions.search(request) if document is not None else None
    if document is None or found is None:
        raise NewsIngestError(
            "no document has this id",
            value=id,
            remedy="see `news-ingest search`, or `news-ingest trace` for one that is not indexed yet",
        )
    if as_json:
        plain = msgspec.to_builtins(document)
        if found.total:
            plain["revisions"] = [as_plain(one) for one in found.revisions]
        print_json(plain, masks=False)
        return
    _print(document, found.total)


def _print(document: IndexedDocument, changes: int) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _facts(document, changes):
        if value:
            table.add_row(name, shown(value))
    out.print(table)
    out.print()
    out.print(shown(document.text))
    if document.entity_details:
        out.print()
        rows = [
            (one.type, one.name, one.count, one.id, ", ".join(one.forms[:5]))
            for one in document.entity_details
        ]
        print_table(("type", "name", "count", "id", "forms"), rows)


def _facts(document: IndexedDocument, changes: int) -> list[tuple[str, str]]:
    at = document.published_at
    published = "" if at is None else f"{at.isoformat()} ({document.date_source})"
    revision = str(document.revision)
    if changes:
        seen = "1 change" if changes == 1 else f"{changes} changes"
        revision += f" ({seen}: news-ingest revisions --document {document.id})"
    return [
        ("title", document.title),
        ("subtitle", document.subtitle),
        ("publisher", document.publisher),
        ("authors", ", ".join(document.authors)),
        ("agencies", ", ".join(document.agencies)),
        ("published", published),
        ("first seen", document.first_seen_at.isoformat()),
        ("language", document.language),
        ("url", document.url_canonical or document.path),
        ("summary", document.summary),
        ("text from", document.content_source),
        ("revision", revision),
        ("id", document.id),
    ]
