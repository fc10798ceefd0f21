"""`news-ingest feeds discover`: finds the feeds of a site."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ingest.cli.context import ConfigOption, JsonOption, settings_of, shows_errors
from ingest.cli.feeds.names import feed_at
from ingest.cli.feeds.report import ago, show_robots
from ingest.cli.terminal_text import line, print_json, print_list
from ingest.identity import registrable_domain
from ingest.model import Feed
from ingest.operations.feeds.client import FeedClient, with_feed_client
from ingest.polling.schedule.rate import seeded
from ingest.polling.trial.discovery import Discovery, FoundFeed, discover
from ingest.settings.load import Settings

_COLUMNS = ("", "url", "format", "title", "entries", "newest", "a day", "found by", "known")


@shows_errors
def discover_(
    url: Annotated[str, typer.Argument(help="Address of a site, a page or a feed.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Look for the feeds of a site with at most 12 requests; write nothing.

    Tries the address itself, what the page announces, the news sitemaps of robots.txt, then the
    usual places. The best candidate comes first. Exits with status 2 if there is none.
    """
    settings = settings_of(config)
    address = url if "://" in url else f"https://{url}"
    like = Feed(id="discover", url=address, publisher=registrable_domain(address))
    found = with_feed_client(settings, lambda client: _search(like, as_json, client))
    if as_json:
        for number, candidate in enumerate(found.candidates):
            print_json(_plain(candidate, settings, is_best=number == 0))
    else:
        _show(found, settings)
    if not found.candidates:
        raise typer.Exit(2)


async def _search(like: Feed, as_json: bool, client: FeedClient) -> Discovery:
    found = await discover(like, client.tools, client.robots_text)
    if not as_json and not found.candidates:
        show_robots(found.page, client)
    return found


def _plain(candidate: FoundFeed, settings: Settings, *, is_best: bool) -> dict[str, Any]:
    parsed, dates = candidate.trial.parsed, _dates(candidate)
    known = feed_at(candidate.trial.url, settings.feeds.feeds, {})
    return {
        "url": candidate.url,
        "final_url": candidate.trial.url,
        "how": candidate.how,
        "format": parsed.format if parsed is not None else "",
        "title": parsed.title if parsed is not None else "",
        "entries": len(parsed.entries) if parsed is not None else 0,
        "newest_at": max(dates, default=None),
        "entries_per_day": _a_day(candidate),
        "known_as": known.id if known is not None else "",
        "best": is_best,
    }


def _show(found: Discovery, settings: Settings) -> None:
    if not found.candidates:
        fault = found.page.fault
        line("verdict", f"no feed found with {found.requests} requests: "
                        f"{fault.message if fault is not None else 'nothing'}")  # fmt: skip
        return
    rows = []
    for number, candidate in enumerate(found.candidates):
        plain = _plain(candidate, settings, is_best=number == 0)
        newest = ago(plain["newest_at"], found.page.at)
        rows.append(
            ("best" if number == 0 else "", candidate.url, plain["format"], plain["title"][:60],
             plain["entries"], newest, f"{plain['entries_per_day']:.1f}", candidate.how,
             plain["known_as"])
        )  # fmt: skip
    print_list(_COLUMNS, rows)
    best = found.candidates[0]
    if feed_at(best.trial.url, settings.feeds.feeds, {}) is None:
        line("to add", f"news-ingest feeds add {best.url}")


def _dates(candidate: FoundFeed) -> tuple[Any, ...]:
    return () if candidate.trial.found is None else candidate.trial.found.published


def _a_day(candidate: FoundFeed) -> float:
    return round(seeded(_dates(candidate), candidate.trial.at).per_hour * 24, 2)
