"""`news-ingest forget`: takes documents, sites and publishers out, and keeps them out."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from ingest.bootstrap.archive_stage import without_pages
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
from ingest.errors import WrongArgument
from ingest.operations import forget as work
from ingest.ports import Index, Log
from ingest.records.forgotten import Forgets, Forgotten, decisions
from ingest.records.stage_plan import plans
from ingest.settings.load import Settings

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
    settings = settings_of(config)
    if lists:
        _list(settings, as_json=as_json)
    elif undo:
        _undo(settings, undo)
    else:
        _forget(settings, what, domain, publisher, reason, is_dry=dry_run, as_json=as_json)


def _forget(
    settings: Settings,
    what: str,
    domain: str,
    publisher: str,
    reason: str,
    *,
    is_dry: bool,
    as_json: bool,
) -> None:
    asked = what or " ".join(filter(None, (domain, publisher)))
    if bool(what) == bool(domain or publisher) or not (reason or is_dry):
        remedy = "give a URL or an id, or --domain or --publisher, and --reason"
        raise WrongArgument("it is not clear what to forget, or why", value=asked, remedy=remedy)
    with opened_log(settings) as log, opened_index(settings) as index:
        wanted = work.one_document(index, what) if what else work.whole_site(domain, publisher)
        take_out(settings, log, index, wanted, asked, reason, is_dry=is_dry, as_json=as_json)


def take_out(
    settings: Settings,
    log: Log,
    index: Index,
    wanted: list[work.Decision],
    asked: str,
    reason: str,
    *,
    is_dry: bool,
    as_json: bool,
) -> None:
    """Write the decisions, take out what they name, and report it."""
    all_plans = plans(settings.pipeline)
    if is_dry:
        decided = [
            Forgotten(kind=kind, value=value, asked=asked, reason=reason, by="", at=now())
            for kind, value in wanted
        ]
    else:
        decided = work.decide(log, wanted, asked, reason, this_user(), now())
    forgets = Forgets(decided)
    if is_dry:
        documents = len(list(work.documents(index, decided)))
        letters = len(work.letters(log, all_plans, forgets))
    else:
        documents = work.remove_documents(index, decided, reason, now())
        letters = work.drop_letters(log, all_plans, forgets, now)
    files = without_pages(settings, forgets, is_dry=is_dry)
    left = list(work.remains(log, settings.topics, forgets))
    if as_json:
        found = {"kept_out": [one.key for one in decided], "documents": documents}
        found |= {"dead_letters": letters, "files": files, "remains": left, "is_dry": is_dry}
        print_json(found, masks=False)
    else:
        would = "would be " if is_dry else ""
        for one in decided:
            say(f"{would}kept out: {one.key}")
        say(f"{documents} documents and {letters} dead letters {would}removed")
        for file in files:
            why = f"; not rewritten: {file.left}" if file.left else ""
            say(f"{file.name}: {file.pages} pages {would}removed{why}")
        rows = [(one.topic, one.records, f"{one.until:%Y-%m-%d %H:%M} UTC") for one in left]
        if rows:
            print_table(("still in the log", "records", "until at the latest"), rows)
    if not is_dry and any(one.left == "open" and one.pages for one in files):
        say("the archive stage did not close a file in time: run the same command again")
        raise typer.Exit(1)


def _list(settings: Settings, *, as_json: bool) -> None:
    with opened_log(settings) as log:
        found = decisions(log)
    if as_json:
        print_json({"forgotten": [msgspec.to_builtins(one) | {"key": one.key} for one in found]})
        return
    rows = [
        (one.key, one.by, f"{one.at:%Y-%m-%d %H:%M}", one.reason,
         f"{one.undone_by}, {one.undone_at:%Y-%m-%d %H:%M}" if one.undone_at else "")
        for one in found
    ]  # fmt: skip
    print_table(("kept out", "by", "at", "reason", "undone"), rows)


def _undo(settings: Settings, asked: str) -> None:
    with opened_log(settings) as log:
        for one in work.take_back(log, asked, this_user(), now()):
            say(f"no longer kept out: {one.key}")
    say("what was removed stays removed; new articles come in from now on")
