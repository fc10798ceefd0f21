"""`news-ingest search` and `show`: what is in the archive."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from ingest.bootstrap.engines import now
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    out,
    print_json,
    settings_of,
    shown,
    shows_errors,
)
from ingest.cli.revisions import as_plain
from ingest.errors import NewsIngestError
from ingest.model import IndexedDocument
from ingest.ports import RevisionRequest
from ingest.query import SearchRequest
from ingest.search.answer import answer
from ingest.search.answer import table as hits_table
from ingest.search.parse import parse
from ingest.search_fields import FACETS, SEARCH_FIELDS

#: Changes of one document that `show --json` gives; `revisions` pages through all.
SHOWN_REVISIONS = 100

_FIELDS = "\n".join(
    f"[bold]{' '.join(field.written)}[/bold] {field.help}" for field in SEARCH_FIELDS
)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command("search", epilog=_FIELDS)(search)
    app.command("show")(show)


@shows_errors
def search(
    query: Annotated[
        str, typer.Argument(help='Words, "phrases", AND OR NOT, person:"…", since:2d …')
    ],
    size: Annotated[int, typer.Option("--size", "-n", min=0, max=10_000, help="Hits shown.")] = 10,
    offset: Annotated[int, typer.Option(min=0, help="Hits left out at the front.")] = 0,
    sort: Annotated[str, typer.Option(help="score, published_at or first_seen_at.")] = "score",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Search the archive: a table with highlights, or JSON."""
    if sort not in ("score", "published_at", "first_seen_at"):
        raise NewsIngestError(
            "no such order",
            value=sort,
            origin="--sort",
            remedy="score, published_at or first_seen_at",
        )
    settings = settings_of(config)
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    tree = parse(query, now(), zone)
    request = SearchRequest(query=tree, size=size, offset=offset, sort=sort, facets=tuple(FACETS))
    with opened_index(settings) as index:
        result = index.search(request)
    if as_json:
        print_json(msgspec.json.encode(answer(result, tree)))
    else:
        out.print(hits_table(result, tree, zone))


@shows_errors
def show(
    id: Annotated[str, typer.Argument(help="Document id, as `search` shows it.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Print one document; with --json everything that is known of it."""
    settings = settings_of(config)
    with opened_index(settings) as index:
        document = index.get(id)
        request = RevisionRequest(document_id=id, size=SHOWN_REVISIONS)
        found = index.revisions.search(request) if document is not None else None
    if document is None or found is None:
        raise NewsIngestError(
            "no document has this id",
            value=id,
            remedy="see `news-ingest search`, or `news-ingest trace` for one on its way",
        )
    if as_json:
        plain = msgspec.to_builtins(document)
        if found.total:
            plain["revisions"] = [as_plain(one) for one in found.revisions]
        print_json(msgspec.json.encode(plain))
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
        entities = Table("type", "name", "count", "id", "forms")
        for detail in document.entity_details:
            forms = ", ".join(detail.forms[:5])
            cells = (detail.type, detail.name, detail.count, detail.id, forms)
            entities.add_row(*map(shown, cells))
        out.print(entities)


def _facts(document: IndexedDocument, changes: int) -> list[tuple[str, str]]:
    published = document.published_at
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
        (
            "published",
            "" if published is None else f"{published.isoformat()} ({document.date_source})",
        ),
        ("first seen", document.first_seen_at.isoformat()),
        ("language", document.language),
        ("url", document.url_canonical or document.path),
        ("summary", document.summary),
        ("text from", document.content_source),
        ("revision", revision),
        ("id", document.id),
    ]
