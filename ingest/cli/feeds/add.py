"""`news-ingest feeds add`: finds the feed at an address, tries it and writes its block."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from ingest.cli.context import ConfigOption, JsonOption, settings_of, show_error, shows_errors
from ingest.cli.feeds.backfill import DEFAULT_SINCE, limits_of, run_backfill
from ingest.cli.feeds.list import states_or_none
from ingest.cli.feeds.names import feed_at
from ingest.cli.feeds.report import (
    interval_in_words,
    listing_of_trial,
    poll_data,
    show_entries,
    show_robots,
    warnings_of,
)
from ingest.cli.terminal_text import err, line, print_json, say
from ingest.errors import ConfigError, NewsIngestError
from ingest.identity import feed_id_of_url
from ingest.model import Feed
from ingest.operations.feeds.client import FeedClient, with_feed_client
from ingest.polling.state.feed_state import FeedState
from ingest.polling.trial.discovery import discover
from ingest.polling.trial.feed_listing import FeedListing, counts_of
from ingest.polling.trial.feed_trial import Trial, try_feed
from ingest.polling.trial.outlook import outlook_of
from ingest.settings.feeds import feeds_of_text
from ingest.settings.feeds_edit import edit_feeds, rendered, with_feeds
from ingest.settings.load import Settings
from ingest.sources.feeds.opml import has_credentials


class NewFeed(NamedTuple):
    """A feed that can be added: its block, the result of its trial, how it will be polled."""

    block: dict[str, Any]
    trial: Trial
    listing: FeedListing
    outlook: FeedState | None
    notes: list[str]


@shows_errors
def add(
    url: Annotated[str, typer.Argument(help="Address of a feed, or of a page that links to it.")],
    id: Annotated[str, typer.Option(help="Its id; made from the address if empty.")] = "",
    publisher: Annotated[str, typer.Option(help="Publisher; the feed's own title if empty.")] = "",
    group: Annotated[str, typer.Option(help="One of the groups in feeds.yml.")] = "",
    robots: Annotated[
        str, typer.Option(help="How to treat its robots.txt: obey, report or ignore.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Then take in what it published before.")
    ] = False,
    since: Annotated[str, typer.Option(help="With --backfill: a day or a span.")] = DEFAULT_SINCE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it; write nothing.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Find the feed at an address, test it, and add it to feeds.yml.

    Comments and order of the file are kept. Exits with status 1 if something is unusual about
    the feed, and with 2 if nothing was added.
    """
    settings = settings_of(config)
    limits = limits_of(since) if backfill else None
    given = {"id": id, "publisher": publisher, "group": group, "robots": robots}
    block = {"url": url.strip(), **{name: value for name, value in given.items() if value}}
    try:
        if has_credentials(url):
            raise NewsIngestError(
                "an address must not contain a password", value=url.split("://")[0] + "://…",
                remedy="write `basic_auth: {env: NAME}` into its block",
            )  # fmt: skip
        states, _ = states_or_none(settings)
        _refuse_known(url, settings, states, "")
        found = with_feed_client(
            settings, lambda client: _find(block, settings, states, as_json, client)
        )
        if found is None:
            raise typer.Exit(2)
        _write(found, settings, is_asked=not (yes or dry_run or as_json), writes=not dry_run)
    except NewsIngestError as error:
        show_error(error)
        raise typer.Exit(2) from error
    warnings = warnings_of(found.trial, found.listing)
    if as_json:
        print_json(_plain(found, warnings, is_added=not dry_run))
    else:
        say("nothing was written" if dry_run else f"added to {settings.folder / 'feeds.yml'}")
    if limits is not None and not dry_run:
        feed = settings_of(config).feeds.feeds[found.trial.feed.id]
        if run_backfill(settings, feed, limits, False, as_json):
            raise typer.Exit(1)
    if warnings:
        raise typer.Exit(1)


def with_checked_feeds(
    path: Path, text: str, blocks: list[dict[str, Any]]
) -> tuple[str, list[Feed]]:
    """Return the text with these blocks added, and their feeds. Errors: ConfigError."""
    before = feeds_of_text(text, path)
    after = with_feeds(text, blocks)
    found = feeds_of_text(after, path)
    if len(found.faults) > len(before.faults):
        old = {(fault.key, fault.reason) for fault in before.faults}
        raise ConfigError([one for one in found.faults if (one.key, one.reason) not in old])
    return after, [feed for id, feed in found.feeds.items() if id not in before.feeds]


async def _find(
    block: dict[str, Any],
    settings: Settings,
    states: dict[str, FeedState],
    as_json: bool,
    client: FeedClient,
) -> NewFeed | None:
    """Return the feed at the address of this block; None, with the reason printed, for no feed."""
    path = settings.folder / "feeds.yml"
    text = path.read_text(encoding="utf-8")
    (feed,) = with_checked_feeds(path, text, [block])[1]
    trial = await try_feed(feed, client.tools)
    notes = []
    if trial.fault is not None and trial.fault.kind == "not_a_feed":
        found = await discover(feed, client.tools, client.robots_text)
        if found.candidates:
            best = found.candidates[0]
            _refuse_known(best.url, settings, states, block["url"])
            notes.append(f"discovered: {best.url} on {trial.url} ({best.how})")
            trial = await try_feed(msgspec.structs.replace(feed, url=best.url), client.tools)
    if trial.fault is not None:
        _show_failure(trial, as_json, client)
        return None
    _refuse_known(trial.url, settings, states, trial.feed.url)
    address = trial.url if trial.is_moved_for_good else trial.feed.url
    block = block | {"url": address}
    (feed,) = with_checked_feeds(path, text, [block])[1]
    if "id" not in block:
        feed = msgspec.structs.replace(feed, id=feed_id_of_url(address))
    trial = msgspec.structs.replace(trial, feed=feed)
    listing = listing_of_trial(address, trial)
    outlook = outlook_of(trial, settings.feeds.feeds, states, settings.pipeline.polling)
    result = NewFeed(block, trial, listing, outlook, notes)
    if not as_json:
        _show(result, client)
    return result


def _refuse_known(
    url: str, settings: Settings, states: dict[str, FeedState], came_from: str
) -> None:
    known = feed_at(url, settings.feeds.feeds, states)
    if known is None:
        return
    way = f"{came_from} redirects to {url}" if came_from and came_from != url else url
    raise NewsIngestError(
        f"the feed {known.id} ({known.publisher}) already has this address",
        value=way,
        origin=str(settings.folder / "feeds.yml"),
        remedy=f"see `news-ingest feeds status {known.id}`",
    )


def _show_failure(trial: Trial, as_json: bool, client: FeedClient) -> None:
    assert trial.fault is not None
    if as_json:
        problems = listing_of_trial(trial.feed.url, trial).problems
        print_json({"added": False, "url": trial.feed.url, "problems": problems})
        return
    show_robots(trial, client)
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


def _show(found: NewFeed, client: FeedClient) -> None:
    for note in found.notes:
        line("found", note)
    show_robots(found.trial, client)
    assert found.trial.parsed is not None
    assert found.trial.found is not None
    line("format", f"{found.listing.format}, {found.listing.title!r}")
    show_entries(found.listing, counts_of(found.trial.parsed, found.trial.found), found.trial)
    if found.outlook is not None:
        line("plan", interval_in_words(found.outlook))
    say("\n".join(rendered(found.block)))


def _write(found: NewFeed, settings: Settings, *, is_asked: bool, writes: bool) -> None:
    path = settings.folder / "feeds.yml"
    if is_asked:
        if not sys.stdin.isatty():
            raise NewsIngestError("no terminal to confirm on", remedy="use --yes or --dry-run")
        if not typer.confirm(f"Add this to {path}?", default=True):
            say("nothing was written", err)
            raise typer.Exit(2)
    if writes:
        edit_feeds(path, lambda text: with_checked_feeds(path, text, [found.block])[0])


def _plain(found: NewFeed, warnings: list[str], *, is_added: bool) -> dict[str, Any]:
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
