"""`news-ingest search`: finds documents in the archive."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, tzinfo
from typing import Annotated

import typer
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ingest.bootstrap.engines import now, open_log
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    settings_of,
    shows_errors,
)
from ingest.cli.terminal_text import clean, err, one_line, out, print_json, say
from ingest.entities.merges import Merges
from ingest.errors import NewsIngestError, WrongArgument
from ingest.model import IndexedDocument
from ingest.operations.entities import changes
from ingest.query import FacetValue, Node, SearchRequest, SearchResult
from ingest.search.answer import address, answer, found_in
from ingest.search.highlight import Span
from ingest.search.parse import parse
from ingest.search_fields import FACETS, SEARCH_FIELDS
from ingest.settings.load import Settings

#: Maximum number of entities shown with a hit; `--json` has all.
SHOWN_ENTITIES = 5

_FOUND = "bold black on yellow"
#: The fields of the query language, shown below the help.
EPILOG = "\n".join(
    f"[bold]{' '.join(field.written)}[/bold] {field.help}" for field in SEARCH_FIELDS
)


@shows_errors
def search(
    query: Annotated[
        str, typer.Argument(help='Words, "phrases", AND OR NOT, person:"…", since:2d …')
    ],
    size: Annotated[
        int, typer.Option("--size", "-n", min=0, max=10_000, help="Hits to show.")
    ] = 10,
    offset: Annotated[int, typer.Option(min=0, help="Hits to skip.")] = 0,
    sort: Annotated[str, typer.Option(help="score, published_at or first_seen_at.")] = "score",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Search the archive; print a table with highlights, or JSON."""
    if sort not in ("score", "published_at", "first_seen_at"):
        remedy = "score, published_at or first_seen_at"
        raise WrongArgument("no such sort order", value=sort, origin="--sort", remedy=remedy)
    settings = settings_of(config)
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    tree = _merges(settings).expanded(parse(query, now(), zone))
    request = SearchRequest(query=tree, size=size, offset=offset, sort=sort, facets=tuple(FACETS))
    with opened_index(settings) as index:
        result = index.search(request)
    if as_json:
        print_json(answer(result, tree), masks=False)
    else:
        out.print(hits_table(result, tree, zone))


def _merges(settings: Settings) -> Merges:
    """Return the merges and splits of entities; none, with a word, while the log does not answer."""
    try:
        with closing(open_log(settings, applies=False)) as log:
            return Merges(changes(log))
    except NewsIngestError as error:
        say(f"merges of entities are not considered: {error}", err)
        return Merges()


# ── on a terminal ───────────────────────────────────────────────────────────────────────────


def hits_table(result: SearchResult, query: Node, zone: tzinfo = UTC) -> RenderableType:
    """Return the hits with matches marked, and the facets, in 80 columns; times are in `zone`."""
    parts: list[RenderableType] = []
    if result.hits:
        parts.append(_hit_table(result, query, zone))
    parts.append(_summary(result))
    facets = {field: values for field, values in result.facets.items() if values}
    if facets:
        parts.append(_facet_table(facets))
    parts += [Text(clean(note), style="yellow") for note in result.notes]
    return Group(*parts)


def _hit_table(result: SearchResult, query: Node, zone: tzinfo) -> Table:
    rows = Table(box=box.SIMPLE_HEAD, show_header=False, padding=(0, 1), expand=False)
    rows.add_column(width=16, vertical="top")
    rows.add_column(ratio=1, overflow="fold", vertical="top")
    for hit in result.hits:
        rows.add_row(_where_and_when(hit.document, zone), _what(hit.document, query))
    return rows


def _where_and_when(document: IndexedDocument, zone: tzinfo) -> Text:
    moment = document.published_at or document.first_seen_at
    at = moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    publisher, language = one_line(document.publisher), one_line(document.language)
    return Text.assemble((f"{at}\n", "cyan"), f"{publisher}\n", (language, "dim"))


def _what(document: IndexedDocument, query: Node) -> Text:
    found = found_in(document, query)
    names = [one_line(one.name) for one in document.entity_details[:SHOWN_ENTITIES]]
    lines = [_marked(document.title, found.title_spans, "bold"), _marked(found.text, found.spans)]
    if names:
        lines.append(Text(" · ".join(names), style="green"))
    lines += [
        Text(one_line(address(document)), style="blue"),
        Text(f"{document.id}\n", style="dim"),
    ]
    return Text("\n").join(line for line in lines if line)


def _marked(text: str, spans: tuple[Span, ...], style: str = "") -> Text:
    marked, at = Text(style=style), 0
    for span in spans:
        marked.append(_cell(text[at : span.start]))
        marked.append(_cell(text[span.start : span.end]), _FOUND)
        at = span.end
    return marked.append(_cell(text[at:]))


def _cell(text: str) -> str:
    return clean(text).replace("\n", " ")


def _summary(result: SearchResult) -> Text:
    noun = "document" if result.total == 1 else "documents"
    left = f", {len(result.hits)} shown" if 0 < len(result.hits) < result.total else ""
    return Text(f"{result.total} {noun}{left}", style="bold")


def _facet_table(facets: dict[str, tuple[FacetValue, ...]]) -> Table:
    rows = Table(box=None, show_header=False, padding=(0, 1))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(ratio=1)
    for field, values in facets.items():
        counts = [
            Text.assemble(one_line(one.value), " ", (str(one.count), "cyan")) for one in values
        ]
        rows.add_row(FACETS[field].facet_title, Text(" · ").join(counts))
    return rows
