"""`news-ingest check`: checks the settings, and whether everything they name answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from ingest import event_loops
from ingest.bootstrap.engines import now, open_log
from ingest.bootstrap.web import open_web
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    shows_errors,
    whole_settings_of,
)
from ingest.cli.terminal_text import print_json, print_whole
from ingest.errors import FetchFailed, IndexRefused, LogRefused, NewsIngestError, SourceError
from ingest.model import Feed
from ingest.operations.disks import disks
from ingest.polling.document.answers import charset_of
from ingest.polling.document.read_document import feed_request
from ingest.ports import Disallowed, Fetched, Resting
from ingest.settings.live_feeds import what_waits
from ingest.settings.load import Settings
from ingest.sources.feeds.parse_feed import parse_feed

FEEDS_AT_ONCE = 50
NOT_COMPARED = (
    "answers; what `news-ingest setup` made cannot be compared by this user "
    "(in containers: docker compose run --rm --no-deps setup check)"
)
DISALLOWED = (
    "robots.txt does not allow it, so it will not be polled; `robots: ignore` in its block "
    "changes that"
)


class Finding(NamedTuple):
    """The result of one check; `state` is good, warning or bad."""

    what: str
    state: str
    note: str


@shows_errors
def check(
    feeds: Annotated[bool, typer.Option(help="Request every feed once.")] = True,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Check the settings and contact the log, the index and every feed; write nothing.

    Exits with status 2 on errors, and with 1 on warnings.
    """
    settings = whole_settings_of(config)
    counted = f"{len(settings.pipeline.stages)} stages, {len(settings.feeds.feeds)} feeds"
    findings = [
        Finding("config", "good", counted),
        *_engines(settings),
        *_archive(settings),
        *_to_look_at(settings),
    ]
    if feeds:
        findings += event_loops.run(_feeds(settings))
    if as_json:
        for one in findings:
            print_json(one._asdict())
    else:
        print_whole(("state", "what", "note"), _rows(findings))
    states = {one.state for one in findings}
    if "bad" in states:
        raise typer.Exit(2)
    if "warning" in states:
        raise typer.Exit(1)


def _rows(findings: list[Finding]) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of the table: what is bad comes last, and the good feeds are one row."""
    shown = [one for one in findings if one.state != "good" or not one.what.startswith("feed ")]
    if len(shown) < len(findings):
        what = f"{len(findings) - len(shown)} feeds"
        shown.append(Finding(what, "good", "answer with entries"))
    for state in ("good", "warning", "bad"):
        yield from ((state, one.what, one.note) for one in shown if one.state == state)


def _unwritable(path: Path) -> str:
    """Return what this user cannot write of a folder or file, or of where it will be made."""
    there = next(one for one in (path, *path.absolute().parents) if os.path.exists(one))
    is_file = there.is_file()
    if is_file and (there != path or not os.access(there, os.W_OK)):
        return str(there)
    folder = there.parent if is_file else there  # SQLite makes files beside its own
    return "" if os.access(folder, os.W_OK | os.X_OK) else str(folder)


def _to_look_at(settings: Settings) -> list[Finding]:
    """Return warnings about disks that fill up, and a feeds.yml that waits for confirmation."""
    waits = what_waits(settings.folder, settings.feeds)
    found = {f"disk of {one.folder}": str(one) for one in disks(settings) if one.is_filling}
    found |= {"feeds.yml": waits} if waits else {}
    return [Finding(what, "warning", note) for what, note in found.items()]


def _archive(settings: Settings) -> list[Finding]:
    """Check that fetched pages can be kept, unless that is switched off."""
    if not settings.pipeline.archive.enabled:
        return []
    folder = settings.archive_folder
    what = f"archive of fetched pages {folder}"
    if not any(stage.kind == "archive" for stage in settings.pipeline.stages.values()):
        return [Finding(what, "good", "no stage of kind archive: pages are not kept")]
    if bad := _unwritable(folder):
        return [Finding(what, "bad", f"cannot write to {bad}: see the option archive.folder")]
    return [Finding(what, "good", "is writable")]


def _engines(settings: Settings) -> list[Finding]:
    found = []
    for name, url in (("log", settings.pipeline.log.url), ("index", settings.pipeline.index.url)):
        what = f"{name} {url}"
        path = settings.path_of(url) if url.startswith("sqlite:") else None
        if path is not None and (bad := _unwritable(path)):
            note = f"cannot write to {bad}: let this user write it, or change {name}.url"
            found.append(Finding(what, "bad", note))
            continue
        if path is not None and not path.exists():
            note = f"will be created in {path.parent} at the first start"
            found.append(Finding(what, "good", note))
            continue
        try:
            differences = _log(settings) if name == "log" else _index(settings)
        except NewsIngestError as error:
            found.append(Finding(what, "bad", str(error)))
            continue
        if differences is None:
            found.append(Finding(what, "good", NOT_COMPARED))
        elif differences:
            first = f"{differences[0]} ({len(differences)} differences)"
            found.append(Finding(what, "bad", f"{first}: run `news-ingest setup`"))
        else:
            found.append(Finding(what, "good", "answers, nothing to change"))
    return found


def _log(settings: Settings) -> list[str]:
    with closing(open_log(settings, applies=False)) as log:
        log.ping()
        if refused := log.unwritable([topic.name for topic in settings.topics]):
            raise LogRefused(
                "this user may not write to the log",
                value=", ".join(refused),
                origin=settings.pipeline.log.url,
                remedy="allow this user to write these topics",
            )
        return log.differences(settings.topics)


def _index(settings: Settings) -> list[str] | None:
    """Return the differences; None when this user may not read what setup made (roles, for one)."""
    with opened_index(settings) as index:
        index.ping()
        try:
            return index.differences(now())
        except IndexRefused:
            return None


async def _feeds(settings: Settings) -> list[Finding]:
    web = open_web(settings, now, shares_hosts=False)
    gate = asyncio.Semaphore(FEEDS_AT_ONCE)

    async def check_feed(feed: Feed) -> Finding:
        what = f"feed {feed.url}"
        request = feed_request(feed, settings.pipeline.polling, feed.url, stage="cli")
        try:
            async with gate:
                return _judged(what, await web.fetcher.fetch(request))
        except (FetchFailed, SourceError) as error:
            remedy = f"; {error.remedy}" if error.remedy else ""
            return Finding(what, "bad", f"{error.kind}: {error.what}{remedy}")

    try:
        enabled = [feed for feed in settings.feeds.feeds.values() if feed.enabled]
        return list(await asyncio.gather(*map(check_feed, enabled)))
    finally:
        await web.fetcher.close()


def _judged(what: str, answer: Fetched | Disallowed | Resting) -> Finding:
    match answer:
        case Disallowed():
            return Finding(what, "warning", DISALLOWED)
        case Resting():
            return Finding(what, "warning", f"the host rests until {answer.until.isoformat()}")
        case Fetched() if answer.status != 200:
            return Finding(what, "bad", f"HTTP {answer.status}")
        case Fetched():
            charset = charset_of(answer.header("content-type"))
            parsed = parse_feed(answer.body, answer.url, charset)
            state = "good" if parsed.entries else "warning"
            moved = f", moved to {answer.url}" if answer.hops else ""
            return Finding(what, state, f"{parsed.format}, {len(parsed.entries)} entries{moved}")
