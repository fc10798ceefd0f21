"""The poll stage over real sockets and the embedded log."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import wire
from ingest.adapters.http import HttpFetcher
from ingest.adapters.sqlite_log import SqliteLog
from ingest.fetching.address_guard import AddressGuard
from ingest.fetching.host_state import HostStates
from ingest.fetching.politeness import Politeness
from ingest.fetching.robots import Robots
from ingest.settings.options import AddressGuardOptions, FetchingOptions
from tests.http_site import Answer, HttpSite, Seen, redirect
from tests.unit.polling_rig import (
    Rig,
    a_feed,
    entries_in,
    feed_answer,
    open_log,
    quick,
    rss,
    states_in,
    utc_now,
    wait_for,
)

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


def asked(site: HttpSite, path: str = "/feed.xml", host: str = HOST) -> list[Seen]:
    return site.asked(host, path)


@pytest.mark.slow
def test_a_feed_that_answers_304_is_parsed_once_and_its_validators_go_back_byte_for_byte(
    site: HttpSite, log: SqliteLog
) -> None:
    etag, modified = 'W/"a b,c"', "2024-01-02 03:04"

    def script(seen: Seen) -> Answer:
        both = (seen.header("if-none-match"), seen.header("if-modified-since"))
        if both == (etag, modified):
            return Answer(304)
        return feed_answer("flood", headers=[("ETag", etag), ("Last-Modified", modified)])

    site.serve(HOST, "/feed.xml", script)
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: len(asked(site)) >= 4)
        wait_for(lambda: rig.state("harbour-times").recent_polls[-1].outcome == "unchanged_304")
        assert rig.parses == 1
    assert [entry.title for entry in entries_in(log)] == ["The flood of Port Elsin"]
    assert asked(site)[0].header("if-none-match") is None
    assert all(seen.header("a-im") == "feed" for seen in asked(site)[1:])
    assert states_in(log)["harbour-times"].failure_score == 0


@pytest.mark.slow
def test_a_new_entry_is_sent_and_the_known_ones_are_not(site: HttpSite, log: SqliteLog) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("flood", "bridge"))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: len(rig.entries()) == 2)
        site.serve(HOST, "/feed.xml", feed_answer("market", "flood", "bridge"))
        wait_for(lambda: len(rig.entries()) == 3)
        polls = len(asked(site))
        wait_for(lambda: len(asked(site)) > polls + 2)
    names = sorted(entry.url_published.rpartition("/")[2] for entry in entries_in(log))
    assert names == ["bridge", "flood", "market"]
    entry = entries_in(log)[0]
    assert (entry.feed_id, entry.publisher, entry.change) == ("harbour-times", HOST, "new")
    assert entry.published_at is not None


@pytest.mark.slow
def test_a_changed_text_is_sent_as_updated_with_its_first_sight(
    site: HttpSite, log: SqliteLog
) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("flood"))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: len(rig.entries()) == 1)
        site.serve(HOST, "/feed.xml", feed_answer("flood", text="The wall broke."))
        wait_for(lambda: len(rig.entries()) == 2)
    first, second = entries_in(log)
    assert (first.change, second.change) == ("new", "updated")
    assert first.id == second.id
    assert first.first_seen_at == second.first_seen_at


@pytest.mark.slow
def test_html_in_place_of_a_feed_keeps_what_was_known(site: HttpSite, log: SqliteLog) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("flood", headers=[("ETag", '"1"')]))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: len(rig.entries()) == 1)
        site.serve(HOST, "/feed.xml", Answer(200, b"<!doctype html><html><body>Log in</body>"))
        state = wait_for(
            lambda: (s := rig.state("harbour-times")).last_error_class == "not_a_feed" and s
        )
        assert state.etag == b'"1"'
        assert state.failure_score > 0
        site.serve(HOST, "/feed.xml", feed_answer("flood"))
        wait_for(lambda: rig.state("harbour-times").failure_score == 0)
    assert len(entries_in(log)) == 1


@pytest.mark.slow
def test_a_feed_that_is_gone_is_left_alone_for_a_month(site: HttpSite, log: SqliteLog) -> None:
    site.serve(HOST, "/feed.xml", Answer(410))
    with Rig(site, log, a_feed()) as rig:
        state = wait_for(lambda: (s := rig.state("harbour-times")).gone_since_at and s)
        time.sleep(0.5)
    assert len(asked(site)) == 1
    assert state.next_poll_at is not None
    assert state.last_poll_at is not None
    assert (state.next_poll_at - state.last_poll_at).days >= 29


@pytest.mark.slow
def test_retry_after_is_obeyed(site: HttpSite, log: SqliteLog) -> None:
    site.serve(HOST, "/feed.xml", Answer(429, headers=[("Retry-After", "120")]))
    with Rig(site, log, a_feed()) as rig:
        state = wait_for(lambda: (s := rig.state("harbour-times")).retry_after_until_at and s)
        time.sleep(0.5)
    assert len(asked(site)) == 1
    assert state.next_poll_at is not None
    assert state.last_poll_at is not None
    assert (state.next_poll_at - state.last_poll_at).total_seconds() >= 120
    assert state.failure_score == 0


@pytest.mark.slow
def test_a_body_over_the_limit_fails_and_the_next_one_counts(
    site: HttpSite, log: SqliteLog
) -> None:
    big = Answer(200, rss("flood", text="x" * 50_000))
    site.serve(HOST, "/feed.xml", [big, feed_answer("flood")])
    with Rig(site, log, a_feed(), polling=quick(max_feed_bytes=20_000)) as rig:
        wait_for(lambda: len(rig.entries()) == 1)
    notes = states_in(log)["harbour-times"].recent_polls
    assert notes[0].error == "body_too_large"


@pytest.mark.slow
def test_a_restart_asks_nothing_early_and_repeats_nothing(site: HttpSite, log: SqliteLog) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("flood", headers=[("Cache-Control", "max-age=600")]))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: rig.state("harbour-times").last_success_at)
    with Rig(site, log, a_feed()):
        time.sleep(1.0)
    assert len(asked(site)) == 1
    assert len(entries_in(log)) == 1


def test_two_feeds_of_one_host_are_never_asked_at_once(site: HttpSite, log: SqliteLog) -> None:
    feeds = [a_feed(id=f"feed-{n}", url=f"http://{HOST}/{n}.xml") for n in range(5)]
    for number in range(5):
        answer = feed_answer(f"story-{number}")
        site.serve(HOST, f"/{number}.xml", Answer(200, answer.body, wait_seconds=0.05))
    with Rig(site, log, *feeds) as rig:
        wait_for(lambda: len(rig.entries()) == 5)
    assert site.most_in_flight(HOST) == 1


@pytest.mark.slow
def test_feeds_come_and_go_without_a_restart(site: HttpSite, log: SqliteLog) -> None:
    other = "elsin-courier.example"
    site.serve(HOST, "/feed.xml", feed_answer("flood"))
    site.serve(other, "/feed.xml", feed_answer("election", host=other))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: len(rig.entries()) == 1)
        rig.feeds = {**rig.feeds, "elsin-courier": a_feed(other)}
        started = time.monotonic()
        wait_for(lambda: len(rig.entries()) == 2)
        assert time.monotonic() - started < 3
        rig.feeds = {"elsin-courier": a_feed(other)}
        time.sleep(1.3)
        polls = len(asked(site))
        time.sleep(1.0)
        assert len(asked(site)) == polls
    assert states_in(log)["harbour-times"].last_success_at is not None


def test_a_request_polls_a_feed_at_once(site: HttpSite, log: SqliteLog) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("flood", headers=[("Cache-Control", "max-age=3600")]))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: rig.state("harbour-times").last_success_at)
        appender = log.appender()
        value = wire.encode({"at": "2026-11-20T12:00:00+00:00"})
        appender.append("news.feed-state", "harbour-times/request", value, (), HOST)
        appender.flush(5)
        wait_for(lambda: len(asked(site)) == 2)
        wait_for(
            lambda: (
                not [
                    record
                    for record in log.scan("news.feed-state")
                    if record.key == b"harbour-times/request" and record.value is not None
                ]
            )
        )


@pytest.mark.slow
def test_an_entry_without_a_link_is_a_dead_letter_once(site: HttpSite, log: SqliteLog) -> None:
    body = rss("flood").replace(b"</channel>", b"<item><title>No way</title></item></channel>")
    site.serve(HOST, "/feed.xml", Answer(200, body))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: len(rig.entries()) == 1)
        site.serve(HOST, "/feed.xml", Answer(200, body + b"<!-- later -->"))
        wait_for(lambda: len(asked(site)) >= 5)
    dead = list(log.scan("news.entries.dead-letter"))
    assert [record.header("dead-letter.reason") for record in dead] == ["entry_without_link"]


def test_a_link_to_the_home_page_is_dropped(site: HttpSite, log: SqliteLog) -> None:
    body = rss("flood").replace(f"http://{HOST}/a/flood".encode(), f"http://{HOST}/".encode())
    site.serve(HOST, "/feed.xml", Answer(200, body))
    with Rig(site, log, a_feed()):
        drop = wait_for(lambda: list(log.scan("news.drops")))[0]
    assert b"link_is_home_page" in (drop.value or b"")
    assert not entries_in(log)


@pytest.mark.slow
def test_http_to_https_is_believed_at_once_and_a_302_never(site: HttpSite, log: SqliteLog) -> None:
    site.serve(HOST, "/feed.xml", redirect(f"http://{HOST}/other.xml", 302))
    site.serve(HOST, "/other.xml", feed_answer("flood"))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: len(asked(site)) >= 2)
        assert not rig.state("harbour-times").effective_url


def test_a_permanent_redirect_to_another_known_feed_marks_a_duplicate(
    site: HttpSite, log: SqliteLog
) -> None:
    site.serve(HOST, "/old.xml", redirect(f"http://{HOST}/feed.xml", 301))
    site.serve(HOST, "/feed.xml", feed_answer("flood"))
    feeds = [a_feed(), a_feed(id="old", url=f"http://{HOST}/old.xml")]
    with Rig(site, log, *feeds) as rig:
        wait_for(lambda: rig.state("old").duplicate_of == "harbour-times")
        wait_for(rig.entries)
    assert {entry.feed_id for entry in entries_in(log)} == {"harbour-times"}


@pytest.mark.slow
def test_an_index_of_news_sitemaps_brings_the_entries_of_its_children(
    site: HttpSite, log: SqliteLog
) -> None:
    index = (
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        "<sitemap><loc>/one.xml</loc></sitemap><sitemap><loc>/two.xml.gz</loc></sitemap>"
        "<sitemap><loc>/lost.xml</loc></sitemap></sitemapindex>"
    )

    def sitemap(name: str) -> bytes:
        return (
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
            'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url>'
            f"<loc>http://{HOST}/a/{name}</loc><news:news><news:title>The {name}</news:title>"
            "</news:news></url></urlset>"
        ).encode()

    site.serve(HOST, "/feed.xml", Answer(200, index.encode()))
    site.serve(HOST, "/one.xml", Answer(200, sitemap("flood")))
    site.serve(HOST, "/two.xml.gz", Answer(200, gzip.compress(sitemap("bridge"))))
    with Rig(site, log, a_feed()) as rig:
        wait_for(lambda: len(rig.entries()) == 2)
        wait_for(lambda: rig.state("harbour-times").last_success_at)
    assert {entry.title for entry in entries_in(log)} == {"The flood", "The bridge"}
    assert states_in(log)["harbour-times"].format == "sitemap index"


@pytest.mark.slow
def test_a_platform_with_many_hosts_takes_one_place_among_the_polls(
    site: HttpSite, log: SqliteLog
) -> None:
    blogs = [f"blog-{number}.blogs-for-all.example" for number in range(20)]
    for host in blogs:
        slow = feed_answer("flood", host=host)
        site.serve(host, "/feed.xml", Answer(200, slow.body, slow.headers, wait_seconds=0.5))
    site.serve(HOST, "/feed.xml", feed_answer("bridge"))
    feeds = [a_feed(host, id=host) for host in blogs]
    with Rig(site, log, *feeds, a_feed(), polling=quick(concurrent_requests=3)):
        wait_for(lambda: asked(site))
        before = [seen for seen in site.requests if seen.path == "/feed.xml" and seen.host != HOST]
        assert len(before) <= 2


@pytest.mark.slow
def test_thirty_feeds_of_one_host_are_asked_one_at_a_time_with_the_gap(
    site: HttpSite, log: SqliteLog
) -> None:
    gap = 0.2
    guard = AddressGuard(AddressGuardOptions(hosts=site.hosts("*.example")))
    states = HostStates()
    fetcher = HttpFetcher(
        FetchingOptions(gap_seconds=gap),
        guard=guard,
        politeness=Politeness(states, gap_seconds=gap, clock=utc_now, is_mapped=guard.is_mapped),
        robots=Robots(states, clock=utc_now),
        user_agent="news-ingest/test",
    )
    feeds = []
    for number in range(30):
        path = f"/feed-{number}.xml"
        site.serve(HOST, path, feed_answer(f"story-{number}"))
        feeds.append(a_feed(id=f"feed-{number}", url=f"http://{HOST}{path}"))
    with Rig(site, log, *feeds, fetcher=fetcher) as rig:
        wait_for(lambda: len(rig.entries()) == 30, 60)
    seen = sorted(site.requests, key=lambda one: one.started_at)
    # What a busy machine delays on its way is late, and so nearer to the next: hence all of them.
    assert seen[-1].started_at - seen[0].started_at >= gap * 30 - 1.0
    middles = [one.started_at for one in seen[::6]]
    assert all(b - a >= gap * 3 for a, b in itertools.pairwise(middles))
    assert site.most_in_flight(HOST) == 1
    assert {one.path for one in seen} == {"/robots.txt", *(f"/feed-{n}.xml" for n in range(30))}
