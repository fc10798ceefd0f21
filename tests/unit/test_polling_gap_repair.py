"""An overflow is repaired from older pages of the feed, and a crash in the middle loses nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import LogRefused
from ingest.polling.entries.new_entries import Found, find_entries
from ingest.polling.older.gap_repair import GapRepair
from ingest.polling.state.feed_state import FeedState
from ingest.polling.state.seen_keys import SeenKeys
from ingest.ports import ParsedFeed
from ingest.sources.feeds.parse_feed import parse_feed
from tests.http_site import Answer, HttpSite
from tests.unit.polling_rig import (
    Rig,
    a_feed,
    a_fetcher,
    entries_in,
    open_log,
    parse_in_thread,
    quick,
    rss,
    states_in,
    utc_now,
    wait_for,
)
from tests.unit.test_polling_crash import FaultyLog

HOST = "harbour-times.example"


@pytest.fixture
def site() -> Iterator[HttpSite]:
    with HttpSite() as server:
        yield server


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    opened = open_log(tmp_path / "log.db")
    yield opened
    opened.close()


def page(*names: str, following: str = "") -> Answer:
    """Return an RSS page without dates; `following` is the address of the next."""
    body = re.sub(rb"<pubDate>.*?</pubDate>", b"", rss(*names))
    link = f'<a:link xmlns:a="http://www.w3.org/2005/Atom" rel="next" href="{following}"/>'
    return Answer(200, body.replace(b"<item>", link.encode() + b"<item>", 1) if following else body)


def names_in(log: SqliteLog) -> list[str]:
    return sorted(entry.url_published.rpartition("/")[2] for entry in entries_in(log))


def test_what_the_window_no_longer_shows_is_taken_from_the_next_page(
    site: HttpSite, log: SqliteLog
) -> None:
    site.serve(HOST, "/feed.xml", [page("a", "b"), page("f", "e", following="/2.xml")])
    site.serve(HOST, "/2.xml", page("d", "c", "b", "a", "long-ago", following="/3.xml"))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: rig.state("harbour-times").window_repair_count)
    assert names_in(log) == ["a", "b", "c", "d", "e", "f"]
    assert not site.asked(HOST, "/3.xml")
    assert rig.state("harbour-times").window_overflow_count == 0
    assert rig.error is None


def test_a_page_that_cannot_be_had_leaves_the_gap_open(site: HttpSite, log: SqliteLog) -> None:
    site.serve(HOST, "/feed.xml", [page("a", "b"), page("f", "e", following="/2.xml")])
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: rig.state("harbour-times").window_overflow_count)
    assert names_in(log) == ["a", "b", "e", "f"]
    assert rig.state("harbour-times").last_error_class == ""


def test_a_page_that_repeats_the_window_does_not_close_the_gap(
    site: HttpSite, log: SqliteLog
) -> None:
    site.serve(HOST, "/feed.xml", [page("a", "b"), page("f", "e", following="/2.xml")])
    site.serve(HOST, "/2.xml", page("f", "e", following="/3.xml"))
    site.serve(HOST, "/3.xml", page("e", "d", "c", following="/4.xml"))
    site.serve(HOST, "/4.xml", page("c", "b", "a"))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: rig.state("harbour-times").window_repair_count)
    assert names_in(log) == ["a", "b", "c", "d", "e", "f"]


def test_a_crash_between_two_pages_repeats_work_and_keeps_first_sights(
    site: HttpSite, log: SqliteLog
) -> None:
    first = [page("a", "b")]
    then = page("f", "e", following="/2.xml")
    site.serve(HOST, "/feed.xml", [*first, then])
    site.serve(HOST, "/2.xml", page("d", following="/3.xml"))
    site.serve(HOST, "/3.xml", page("c", "b", "a"))

    def dies_after_the_second_page(topic: str, key: str) -> None:
        if topic == "news.feed-state" and "d" in names_in(log):
            raise LogRefused("the process ends here")

    crashing = FaultyLog(log, dies_after_the_second_page)
    with Rig(site, crashing, a_feed()) as rig:  # type: ignore[arg-type]
        wait_for(lambda: rig.error)
    assert names_in(log) == ["a", "b", "d", "e", "f"]
    assert len(states_in(log)["harbour-times"].pending) == 3

    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: rig.state("harbour-times").window_repair_count)
    assert set(names_in(log)) == {"a", "b", "c", "d", "e", "f"}
    sights: dict[str, set[object]] = {}
    for entry in entries_in(log):
        sights.setdefault(entry.id, set()).add(entry.first_seen_at)
    assert len(sights) == 6
    assert all(len(times) == 1 for times in sights.values())
    assert not states_in(log)["harbour-times"].pending


def test_a_host_that_is_asked_very_seldom_ends_the_walk(site: HttpSite) -> None:
    """The walk by itself: its second page comes only after the time that it may take."""
    slow = page("d", "c", following="/3.xml")
    site.serve(HOST, "/2.xml", page("f", "e", following="/slow.xml"))
    site.serve(HOST, "/slow.xml", Answer(200, slow.body, wait_seconds=5.0))
    emitted: list[str] = []

    async def emit(_: ParsedFeed, found: Found, __: datetime) -> None:
        emitted.extend(entry.url_published.rpartition("/")[2] for entry in found.entries)

    async def main() -> tuple[Found, bool]:
        tools = SimpleNamespace(
            fetcher=a_fetcher(site.hosts("*.example")), parse=parse_in_thread,
            options=quick(), clock=utc_now,
        )  # fmt: skip
        home = parse_feed(page("h", "g", following="/2.xml").body, f"http://{HOST}/feed.xml")
        first = find_entries(
            a_feed(), home, SeenKeys(), mode="guid", pending={}, max_new=99, now=utc_now()
        )
        state = FeedState(feed_id="harbour-times", last_success_at=utc_now())
        repair = GapRepair(
            tools, a_feed(), state, SeenKeys(), f"http://{HOST}/feed.xml", max_seconds=1.5  # type: ignore[arg-type]
        )  # fmt: skip
        try:
            return await repair.run(home, first, utc_now(), emit)
        finally:
            await tools.fetcher.close()

    found, is_closed = asyncio.run(main())
    assert not is_closed
    assert emitted == ["f", "e"]
    assert found.new_count == 4
    assert not site.asked(HOST, "/3.xml")
