"""`news-ingest revisions`: shows what publishers changed in published texts."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Group
from rich.text import Text

from ingest.bootstrap.engines import now
from ingest.cli.context import ConfigOption, JsonOption, opened_index, settings_of, shows_errors
from ingest.cli.terminal_text import clean, out, print_json, shown
from ingest.errors import QueryError
from ingest.ports import Revision, RevisionRequest
from ingest.ports.revisions import PARTS
from ingest.query import And, Node
from ingest.search import moments
from ingest.search.parse import parse

#: Maximum number of added, and of removed, sentences shown; `--json` has all.
SHOWN_SENTENCES = 3


@shows_errors
def revisions(
    query: Annotated[
        str, typer.Argument(help='Words in the changed text, "phrases", publisher:, language: …')
    ] = "",
    document: Annotated[str, typer.Option(help="Only revisions of this document id.")] = "",
    since: Annotated[str, typer.Option(help="Only changes since: 2d, 12h, 2026-11-01.")] = "",
    part: Annotated[str, typer.Option("--in", help=f"Search only in: {', '.join(PARTS)}.")] = "",
    size: Annotated[int, typer.Option("--size", "-n", min=0, max=10_000, help="How many.")] = 10,
    offset: Annotated[int, typer.Option(min=0, help="How many to skip.")] = 0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what publishers changed after publication, newest change first."""
    settings = settings_of(config)
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    request = RevisionRequest(
        query=_tree(query, since, zone),
        document_id=document.strip().lower(),
        part=part,
        size=size,
        offset=offset,
    )
    with opened_index(settings) as index:
        found = index.revisions.search(request)
    if as_json:
        hits = [as_plain(one) for one in found.revisions]
        print_json({"total": found.total, "revisions": hits}, masks=False)
        return
    out.print(Group(*(_shown(one, zone) for one in found.revisions)))
    noun = "revision" if found.total == 1 else "revisions"
    left = f", {len(found.revisions)} shown" if 0 < len(found.revisions) < found.total else ""
    out.print(f"[bold]{found.total} {noun}{left}[/]", highlight=False)


def as_plain(revision: Revision) -> dict[str, Any]:
    """Return a revision as one object with stable keys."""
    return {"id": revision.id, **msgspec.structs.asdict(revision)}


def _tree(query: str, since: str, zone: tzinfo) -> Node:
    tree = parse(query, now(), zone)
    if not since:
        return tree
    changed = moments.read("since", since, now(), zone)
    if changed is None:
        raise QueryError("--since is not a time", query=since, remedy=moments.REMEDY)
    return And((tree, changed))


def _shown(revision: Revision, zone: tzinfo) -> Text:
    at = revision.changed_at.astimezone(zone)
    text = Text.assemble(
        (f"{at:%Y-%m-%d %H:%M}", "cyan"),
        "  ",
        shown(revision.publisher),
        f"  revision {revision.revision}, {revision.changed_share:.0%} changed\n",
    )
    if revision.has_new_title:
        text.append("- ", "red").append(shown(revision.title_before)).append("\n")
        text.append("+ ", "green").append(clean(revision.title_after), "bold").append("\n")
    else:
        text.append(clean(revision.title_after), "bold").append("\n")
    _add_sentences(text, revision.removed, revision.removed_count, ("- ", "red"))
    _add_sentences(text, revision.added, revision.added_count, ("+ ", "green"))
    text.append(clean(revision.url), "blue").append(f"\n{revision.document_id}\n", "dim")
    return text


def _add_sentences(
    text: Text, sentences: tuple[str, ...], count: int, sign: tuple[str, str]
) -> None:
    for sentence in sentences[:SHOWN_SENTENCES]:
        text.append(sign[0], sign[1]).append(shown(sentence)).append("\n")
    if count > SHOWN_SENTENCES:
        text.append(f"  … {count - SHOWN_SENTENCES} more\n", "dim")
