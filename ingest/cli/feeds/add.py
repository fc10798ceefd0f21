"""`news-ingest feeds add`: finds the feed of an address, tries it and writes its block."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from ingest.cli.context import ConfigOption, JsonOption, settings_of, show_error, shows_errors
from ingest.cli.feeds.backfill import DEFAULT_SINCE, ran, wished
from ingest.cli.feeds.list import states_or_none
from ingest.cli.feeds.names import feed_at
from ingest.cli.feeds.report import (
    listing_of_trial,
    planned,
    poll_data,
    show_entries,
    show_robots,
    warnings_of,
)
from ingest.cli.terminal_text import err, line, print_json, say
from ingest.errors import ConfigError, NewsIngestError
from ingest.identity import feed_id_of_url
from ingest.model import Feed
from ingest.operations.feeds.asking import Asking, asking
from ingest.polling.state.feed_state import FeedState
from ingest.polling.trial.discovery import discover
from ingest.polling.trial.feed_listing import FeedListing, counts_of
from ingest.polling.trial.feed_trial import Trial, try_feed
from ingest.polling.trial.outlook import outlook_of
from ingest.settings.feeds import feeds_of_text
from ingest.settings.feeds_edit import edit_feeds, rendered, with_feeds
from ingest.settings.load import Settings
from ingest.sources.feeds.opml import has_credentials


class Found(NamedTuple):
    """A feed that may be added: its block, how its trial went, what to expect."""

    block: dict[str, Any]
    trial: Trial
    listing: FeedListing
    outlook: FeedState | None
    notes: list[str]


@shows_errors
def add(
    url: Annotated[str, typer.Argument(help="Address of a feed, or of a page that names it.")],
    id: Annotated[str, typer.Option(help="Name of the feed; 12 hex of the address if empty.")] = "",
    publisher: Annotated[str, typer.Option(help="Its publisher; the domain if empty.")] = "",
    group: Annotated[str, typer.Option(help="One of the groups in feeds.yml.")] = "",
    robots: Annotated[
        str, typer.Option(help="What its robots.txt counts for: obey, report or ignore.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Then take in what it published since a day.")
    ] = False,
    since: Annotated[str, typer.Option(help="With --backfill: a day, or a span.")] = DEFAULT_SINCE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it; write nothing.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Find the feed of an address, try it, and write it to feeds.yml.

    Comments and order of the file stay. Exits with status 1 when something is strange about
    the feed, with 2 when nothing was added.
    """
    settings = settings_of(config)
    wish = wished(since) if backfill else None
    said = {"id": id, "publisher": publisher, "group": group, "robots": robots}
    block = {"url": url.strip(), **{name: value for name, value in said.items() if value}}
    try:
        if has_credentials(url):
            raise NewsIngestError(
                "an address must not carry a name or password", value=url.split("://")[0] + "://…",
                remedy="write `basic_auth: {env: NAME}` into its block",
            )  # fmt: skip
        states, _ = states_or_none(settings)
        _refuse_known(url, settings, states, "")
        found = asking(settings, lambda ask: _found(block, settings, states, as_json, ask))
        if found is None:
            raise typer.Exit(2)
        _written(found, settings, is_asked=not (yes or dry_run or as_json), writes=not dry_run)
    except NewsIngestError as error:
        show_error(error)
        raise typer.Exit(2) from error
    warnings = warnings_of(found.trial, found.listing)
    if as_json:
        print_json(_plain(found, warnings, is_added=not dry_run))
    else:
        done = "nothing was written" if dry_run else f"added to {settings.folder / 'feeds.yml'}"
        say(done)
    if wish is not None and not dry_run:
        feed = settings_of(config).feeds.feeds[found.trial.feed.id]
        if ran(settings, feed, wish, False, as_json):
            raise typer.Exit(1)
    if warnings:
        raise typer.Exit(1)


def provisional(path: Path, text: str, blocks: list[dict[str, Any]]) -> tuple[str, list[Feed]]:
    """Return the text with these blocks, and their feeds. Errors: ConfigError."""
    before = feeds_of_text(text, path)
    after = with_feeds(text, blocks)
    found = feeds_of_text(after, path)
    if len(found.faults) > len(before.faults):
        old = {(fault.key, fault.reason) for fault in before.faults}
        raise ConfigError([one for one in found.faults if (one.key, one.reason) not in old])
    return after, [feed for id, feed in found.feeds.items() if id not in before.feeds]


async def _found(
    block: dict[str, Any],
    settings: Settings,
    states: dict[str, FeedState],
    as_json: bool,
    ask: Asking,
) -> Found | None:
    """Return the feed behind the address of this block; None, with the reason printed, when none is."""
    path = settings.folder / "feeds.yml"
    text = path.read_text(encoding="utf-8")
    (feed,) = provisional(path, text, [block])[1]
    trial = await try_feed(feed, ask.tools)
    notes = []
    if trial.fault is not None and trial.fault.kind == "not_a_feed":
        found = await discover(feed, ask.tools, ask.robots_text)
        if found.candidates:
            best = found.candidates[0]
            _refuse_known(best.url, settings, states, block["url"])
            notes.append(f"discovered: {best.url} on {trial.url} ({best.how})")
            trial = await try_feed(msgspec.structs.replace(feed, url=best.url), ask.tools)
    if trial.fault is not None:
        _tell_failure(trial, as_json, ask)
        return None
    _refuse_known(trial.url, settings, states, trial.feed.url)
    address = trial.url if trial.is_moved_for_good else trial.feed.url
    block = block | {"url": address}
    (feed,) = provisional(path, text, [block])[1]
    if "id" not in block:
        feed = msgspec.structs.replace(feed, id=feed_id_of_url(address))
    trial = msgspec.structs.replace(trial, feed=feed)
    listing = listing_of_trial(address, trial)
    outlook = outlook_of(trial, settings.feeds.feeds, states, settings.pipeline.polling)
    result = Found(block, trial, listing, outlook, notes)
    if not as_json:
        _show(result, ask)
    return result


def _refuse_known(
    url: str, settings: Settings, states: dict[str, FeedState], came_from: str
) -> None:
    known = feed_at(url, settings.feeds.feeds, states)
    if known is None:
        return
    way = f"{came_from} leads to {url}" if came_from and came_from != url else url
    raise NewsIngestError(
        f"the feed {known.id} ({known.publisher}) has this address already",
        value=way,
        origin=str(settings.folder / "feeds.yml"),
        remedy=f"see `news-ingest feeds status {known.id}`",
    )


def _tell_failure(trial: Trial, as_json: bool, ask: Asking) -> None:
    assert trial.fault is not None
    if as_json:
        listing = listing_of_trial(trial.feed.url, trial)
        plain = {"added": False, "url": trial.feed.url, "problems": listing.problems}
        print_json(plain)
        return
    show_robots(trial, ask)
    if trial.fault.kind.startswith("robots_"):
        line("", "or: news-ingest feeds add --robots ignore " + trial.feed.url)
    show_error(
        NewsIngestError(
            f"this cannot be added: {trial.fault.message}",
            value=trial.fault.kind,
            origin=trial.url,
            remedy=f"try `news-ingest feeds discover {trial.feed.url}`",
        )
    )


def _show(found: Found, ask: Asking) -> None:
    for note in found.notes:
        line("found", note)
    show_robots(found.trial, ask)
    assert found.trial.parsed is not None
    assert found.trial.found is not None
    line("format", f"{found.listing.format}, {found.listing.title!r}")
    show_entries(found.listing, counts_of(found.trial.parsed, found.trial.found), found.trial)
    if found.outlook is not None:
        line("plan", planned(found.outlook))
    say("\n".join(rendered(found.block)))


def _written(found: Found, settings: Settings, *, is_asked: bool, writes: bool) -> None:
    path = settings.folder / "feeds.yml"
    if is_asked:
        if not sys.stdin.isatty():
            raise NewsIngestError("there is no terminal to ask on", remedy="add --yes or --dry-run")
        if not typer.confirm(f"Add this to {path}?", default=True):
            say("nothing was written", err)
            raise typer.Exit(2)
    if writes:
        edit_feeds(path, lambda text: provisional(path, text, [found.block])[0])


def _plain(found: Found, warnings: list[str], *, is_added: bool) -> dict[str, Any]:
    return {
        "added": is_added,
        "id": found.trial.feed.id,
        "url": found.trial.feed.url,
        "block": found.block,
        "format": found.listing.format,
        "title": found.listing.title,
        "entries": found.listing.entries[:3],
        "problems": warnings,
        "notes": found.notes,
        "poll": poll_data(found.trial, found.outlook),
    }
