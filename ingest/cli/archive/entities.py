"""`news-ingest entities`: decides which people, organisations and places are one."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from ingest.bootstrap.engines import now
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    opened_log,
    settings_of,
    shows_errors,
    this_user,
)
from ingest.cli.terminal_text import print_json, print_table, say
from ingest.entities.lexicon import slug
from ingest.entities.merges import EntityChange, Merges
from ingest.errors import WrongArgument
from ingest.operations.entities import changes, decide, find, proposals, take_back, the_one

app = typer.Typer(
    help="Merges and splits people, organisations and places, in old documents too.",
    no_args_is_help=True,
)
ReasonOption = Annotated[str, typer.Option(help="Why, for the record.")]


@app.command()
@shows_errors
def suggest(
    type: Annotated[str, typer.Option(help="person or organisation.")] = "person",
    size: Annotated[int, typer.Option("--size", "-n", min=1, help="How many pairs.")] = 20,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List entities with alike names that documents mention beside the same others.

    Nothing is merged: `news-ingest entities merge ID INTO` does.
    """
    if type not in ("person", "organisation"):
        remedy = "person or organisation"
        raise WrongArgument("no proposals for this type", value=type, remedy=remedy)
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index:
        found = list(islice(proposals(index, type, Merges(changes(log))), size))
    if as_json:
        print_json({"proposals": found}, masks=False)
        return
    rows = [
        (
            f"{one.name} ({one.documents})\n{one.id}",
            f"{one.into_name} ({one.into_documents})\n{one.into}",
            ", ".join(one.shared),
        )
        for one in found
    ]
    print_table(("entity (documents)", "into", "both beside"), rows)
    say(f"{len(found)} proposals; `news-ingest entities merge ID INTO --reason …` merges two")


@app.command()
@shows_errors
def show(
    name: Annotated[str, typer.Argument(help="An id or a name; none: all decisions.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the entities with this id or name, their names, and the decisions about them."""
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index:
        decided = changes(log)
        found = find(index, name) if name else []
    if name:
        merges = Merges(decided)
        ids = {id for one in found for id in merges.members(one.id)} | {name}
        decided = [one for one in decided if ids & {one.id, one.into}]
    if as_json:
        print_json({"entities": found, "decisions": decided}, masks=False)
        return
    if name:
        rows = [(one.id, one.name, str(one.documents), ", ".join(one.names[1:])) for one in found]
        print_table(("id", "name", "documents", "also"), rows)
    print_table(("decision", "by", "at", "reason"), [_row(one) for one in decided])
    say(f"{len(found)} entities, {len(decided)} decisions" if name else f"{len(decided)} decisions")


def _row(change: EntityChange) -> tuple[str, ...]:
    beside = f" beside {change.beside}" if change.beside else ""
    undone = f"; undone by {change.undone_by}" if change.undone_at else ""
    what = f"{change.id} is {change.into}{beside}{undone}"
    return what, change.by, change.at.isoformat(timespec="minutes"), change.reason


@app.command()
@shows_errors
def merge(
    entity: Annotated[str, typer.Argument(help="The id or name of the one that goes.")],
    into: Annotated[str, typer.Argument(help="The id or name of the one that stays.")],
    reason: ReasonOption,
    config: ConfigOption = None,
) -> None:
    """Make two entities one: at once in searches, from now on in new documents."""
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index:
        gone, kept = the_one(index, entity), the_one(index, into)
        if gone.type != kept.type:
            raise WrongArgument(
                "entities of two types are never one",
                value=f"{gone.id}, {kept.id}",
                remedy="give two people, two organisations or two places",
            )
        change = EntityChange(
            id=gone.id, into=kept.id, names=gone.names, into_names=kept.names,
            by=this_user(), reason=reason, at=now(),
        )  # fmt: skip
        decide(log, change, changes(log))
    say(f"{gone.name} ({gone.documents} documents) is {kept.name} ({kept.documents}) from now on")
    say(f"undo: news-ingest entities undo {gone.id}")


@app.command()
@shows_errors
def split(
    entity: Annotated[str, typer.Argument(help="The id or name that means two.")],
    name: Annotated[str, typer.Argument(help="The name of the second one: John Smith (chef).")],
    beside: Annotated[
        str, typer.Option(help="An entity that only the documents of the second one mention.")
    ],
    reason: ReasonOption,
    config: ConfigOption = None,
) -> None:
    """Give an entity another id and name in the documents that also mention a third one."""
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index:
        one, sign = the_one(index, entity), the_one(index, beside)
        change = EntityChange(
            id=one.id, into=f"{one.type}:{slug(name)}", beside=sign.id, names=one.names,
            into_names=(name,), by=this_user(), reason=reason, at=now(),
        )  # fmt: skip
        decide(log, change, changes(log))
    say(f"beside {sign.name}, {one.name} is {name} ({change.into}) from now on")
    say(f"undo: news-ingest entities undo {one.id}")


@app.command()
@shows_errors
def undo(
    entity: Annotated[str, typer.Argument(help="The id that was merged or split.")],
    config: ConfigOption = None,
) -> None:
    """Take back what was decided about an entity.

    Searches show both again at once. Documents that were indexed meanwhile keep the merged id
    until they are replayed: news-ingest replay.
    """
    settings = settings_of(config)
    with opened_log(settings) as log:
        for change in take_back(log, entity, this_user(), now()):
            say(f"{change.id} is no longer {change.into}")
