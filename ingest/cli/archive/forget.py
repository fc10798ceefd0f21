"""`news-ingest forget`: takes documents, sites and publishers out, and keeps them out."""

from __future__ import annotations

from typing import Annotated

import msgspec
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
from ingest.cli.terminal_text import err, print_json, print_table, say
from ingest.errors import WrongArgument
from ingest.operations.forget import (
    Decision,
    TakenOut,
    one_document,
    take_back,
    take_out,
    whole_site,
)
from ingest.records.forgotten import Forgotten, decisions

DryOption = Annotated[bool, typer.Option("--dry-run", help="Show what would go; change nothing.")]
ReasonOption = Annotated[str, typer.Option(help="Why, for the record.")]


@shows_errors
def forget(
    what: Annotated[str, typer.Argument(help="A URL or a document id.")] = "",
    domain: Annotated[str, typer.Option(help="A whole site and all below it.")] = "",
    publisher: Annotated[str, typer.Option(help="All of one publisher, by its name.")] = "",
    reason: ReasonOption = "",
    dry_run: DryOption = False,
    lists: Annotated[bool, typer.Option("--list", help="List what is kept out.")] = False,
    undo: Annotated[
        str, typer.Option(help="Let this in again from now on, as --list shows it.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Take documents out of index, revisions, page archive and dead letters, and keep them out.

    They stay out when they are replayed, rebuilt, ingested or listed by a feed again. Says what the
    log still holds, and until when. Can be run again after an interruption. --undo brings nothing
    back: it lets future articles in. Exits with status 1 if something could not be taken out yet.
    """
    asked = what or " ".join(filter(None, (domain, publisher)))
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index:
        if lists:
            _list(decisions(log), as_json=as_json)
        elif undo:
            for one in take_back(log, undo, this_user(), now()):
                say(f"no longer kept out: {one.key}; what was removed stays removed")
        elif bool(what) == bool(domain or publisher) or not (reason or dry_run):
            remedy = "give a URL or an id, or --domain or --publisher, and --reason"
            raise WrongArgument(
                "it is not clear what to forget, or why", value=asked, remedy=remedy
            )
        else:
            wanted = one_document(index, what) if what else whole_site(domain, publisher)
            made = decisions_of(wanted, asked, reason)
            report(take_out(settings, log, index, made, is_dry=dry_run), as_json=as_json)


def decisions_of(wanted: list[Decision], asked: str, reason: str) -> list[Forgotten]:
    """Return the decisions of the person at the keyboard."""
    by, at = this_user(), now()
    return [
        Forgotten(kind=kind, value=value, asked=asked, reason=reason, by=by, at=at)
        for kind, value in wanted
    ]


def report(done: TakenOut, *, as_json: bool) -> None:
    """Print what went and what stays; exit with status 1 if the command must be run again."""
    if as_json:
        print_json(done, masks=False)
    else:
        would = "would be " if done.is_dry else ""
        for key in done.kept_out:
            say(f"{would}kept out: {key}")
        say(f"{done.documents} documents and {done.dead_letters} dead letters {would}removed")
        for file in done.files:
            why = f"; not rewritten: {file.left}" if file.left else ""
            say(f"{file.name}: {file.pages} pages {would}removed{why}")
        rows = [(one.topic, one.records, f"{one.until:%Y-%m-%d %H:%M} UTC") for one in done.remains]
        if rows:
            print_table(("still in the log", "records", "until at the latest"), rows)
    if not done.is_dry and any(one.left == "open" for one in done.files):
        say("the archive stage did not close a file in time: run the same command again", err)
        raise typer.Exit(1)


def _list(found: list[Forgotten], *, as_json: bool) -> None:
    if as_json:
        print_json({"forgotten": [msgspec.to_builtins(one) | {"key": one.key} for one in found]})
        return
    rows = [
        (one.key, one.by, f"{one.at:%Y-%m-%d %H:%M}", one.reason, one.undone_by) for one in found
    ]
    print_table(("kept out", "by", "at", "reason", "undone by"), rows)
