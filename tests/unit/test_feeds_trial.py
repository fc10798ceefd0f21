"""Trying and finding feeds over real sockets: nothing is written, manners are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ingest.polling.document.read_document import ReadTools
from ingest.polling.state.feed_state import FeedState, why_next
from ingest.polling.trial.discovery import MAX_REQUESTS, Discovery, discover, page_links
from ingest.polling.trial.feed_listing import listing_of
from ingest.polling.trial.feed_trial import Trial, try_feed
from ingest.polling.trial.outlook import kappa_of, outlook_of
from ingest.settings.options import PollingOptions
from tests.http_site import Answer, HttpSite, redirect
from tests.unit.polling_rig import a_feed, a_fetcher, feed_answer, parse_in_thread, utc_now

HOST = "harbour-times.example"
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def site() -> Iterator[HttpSite]:
    with HttpSite() as running:
        yield running


def tried(site: HttpSite, url: str = f"http://{HOST}/feed.xml", **feed: object) -> Trial:
    async def work(tools: ReadTools) -> Trial:
        return await try_feed(a_feed(HOST, url=url, **feed), tools)

    return run(site, work)


def found(site: HttpSite, url: str, robots: str = "") -> Discovery:
    async def work(tools: ReadTools) -> Discovery:
        return await discover(a_feed(HOST, url=url), tools, lambda _: robots)

    return run(site, work)


def run(site: HttpSite, work):
    async def whole():
        fetcher = a_fetcher(site.hosts("*.example"))
        tools = ReadTools(fetcher, parse_in_thread, PollingOptions(), utc_now)
        try:
            return await work(tools)
        finally:
            await fetcher.close()

    return asyncio.run(whole())


def page(head: str = "", body: str = "") -> Answer:
    return Answer(body=f"<html><head>{head}</head><body>{body}</body></html>".encode())


def test_a_trial_asks_twice_the_second_time_with_the_validators(site: HttpSite) -> None:
    site.serve(HOST, "/feed.xml", [
        feed_answer("bridge", "ferry", headers=[("ETag", 'W/"a b"')]), Answer(304),
    ])  # fmt: skip
    trial = tried(site)
    assert trial.fault is None
    assert trial.robots == "allowed"
    assert [seen.header("if-none-match") for seen in site.asked(HOST, "/feed.xml")] == [
        None,
        'W/"a b"',
    ]
    assert trial.again is not None
    assert trial.again.status == 304
    assert trial.found is not None
    assert len(trial.found.entries) == 2


def test_without_validators_there_is_no_second_request(site: HttpSite) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("bridge"))
    assert tried(site).again is None
    assert len(site.asked(HOST, "/feed.xml")) == 1


def test_what_robots_txt_forbids_is_not_asked_unless_told(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", Answer(body=b"User-agent: *\nDisallow: /feed"))
    site.serve(HOST, "/feed.xml", feed_answer("bridge"))
    trial = tried(site)
    assert trial.fault is not None
    assert trial.fault.kind == "robots_disallowed"
    assert trial.robots == "disallowed"
    assert site.asked(HOST, "/feed.xml") == []
    assert tried(site, robots="report").robots == "disallowed"
    assert tried(site, robots="report").fault is None
    assert tried(site, robots="ignore").robots == "ignored"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(404), "http_404"),
        (Answer(410), "http_410"),
        (Answer(429, headers=[("Retry-After", "60")]), "rate_limited"),
        (Answer(200, b""), "empty_body"),
        (Answer(200, b"<html><body>login</body></html>"), "not_a_feed"),
        (Answer(200, b"<rss><channel"), "parse_failed"),
        (redirect("http://10.0.0.1/feed"), "address_not_public"),
    ],
)
def test_a_failed_trial_names_its_class(site: HttpSite, answer: Answer, kind: str) -> None:
    site.serve(HOST, "/feed.xml", answer)
    trial = tried(site)
    assert trial.fault is not None
    assert trial.fault.kind == kind
    assert trial.fault.message


def test_only_permanent_redirects_move_a_feed(site: HttpSite) -> None:
    site.serve(HOST, "/new.xml", feed_answer("bridge"))
    site.serve(HOST, "/feed.xml", redirect(f"http://{HOST}/new.xml", 301))
    site.serve(HOST, "/mixed.xml", redirect(f"http://{HOST}/middle", 301))
    site.serve(HOST, "/middle", redirect(f"http://{HOST}/new.xml", 302))
    assert tried(site).is_moved_for_good
    assert tried(site).url == f"http://{HOST}/new.xml"
    assert not tried(site, f"http://{HOST}/mixed.xml").is_moved_for_good
    assert not tried(site, f"http://{HOST}/new.xml").is_moved_for_good


def test_a_listing_says_what_would_not_be_taken_and_why(site: HttpSite) -> None:
    items = "<item><title>a</title></item><item><title>b</title><link>/</link></item>"
    body = f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>"
    site.serve(HOST, "/feed.xml", Answer(200, body.encode()))
    trial = tried(site)
    assert trial.parsed is not None
    assert trial.found is not None
    listing = listing_of("x", trial.parsed, trial.found, trial.feed)
    assert "entry_without_link: 1" in listing.problems
    assert "link_is_home_page: 1" in listing.problems
    assert len(listing.entries) == 2


# ── discovery ───────────────────────────────────────────────────────────────────────────────


def test_a_feed_is_found_by_what_the_page_announces(site: HttpSite) -> None:
    head = (
        "<base href='/sub/'><link rel=alternate type=application/rss+xml href=comments.xml>"
        "<link rel='alternate' type='application/atom+xml; charset=utf-8' href='all.atom'>"
        "<link rel=stylesheet type=text/css href=/style.css>"
    )
    site.serve(HOST, "/", page(head))
    site.serve(HOST, "/sub/comments.xml", feed_answer("remark"))
    site.serve(HOST, "/sub/all.atom", feed_answer("bridge"))
    discovery = found(site, f"http://{HOST}/")
    assert [(one.url, one.how) for one in discovery.candidates] == [
        (f"http://{HOST}/sub/all.atom", "link"),
        (f"http://{HOST}/sub/comments.xml", "link"),
    ]


def test_a_news_sitemap_is_found_by_robots_txt(site: HttpSite) -> None:
    sitemap = (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url>'
        f"<loc>http://{HOST}/a/1</loc><news:news><news:title>The bridge</news:title>"
        "<news:publication_date>2026-11-20</news:publication_date></news:news></url></urlset>"
    )
    site.serve(HOST, "/", page())
    site.serve(HOST, "/news.xml", Answer(200, sitemap.encode()))
    robots = (
        f"User-agent: *\nSitemap: http://elsewhere.example/s.xml\nsitemap: http://{HOST}/news.xml"
    )
    discovery = found(site, f"http://{HOST}/", robots)
    assert [(one.url, one.how) for one in discovery.candidates] == [
        (f"http://{HOST}/news.xml", "robots")
    ]
    assert site.asked("elsewhere.example") == []


def test_the_usual_places_are_asked_only_when_nothing_else_was_found(site: HttpSite) -> None:
    site.serve(HOST, "/", page())
    site.serve(HOST, "/rss.xml", feed_answer("bridge"))
    discovery = found(site, f"http://{HOST}/")
    assert [(one.url, one.how) for one in discovery.candidates] == [
        (f"http://{HOST}/rss.xml", "path")
    ]
    site.requests.clear()
    site.serve(HOST, "/", page("<link rel=alternate type=application/rss+xml href=/rss.xml>"))
    found(site, f"http://{HOST}/")
    assert {seen.path for seen in site.requests} == {"/robots.txt", "/", "/rss.xml"}


def test_an_index_in_robots_txt_costs_the_search_no_more_than_its_requests(site: HttpSite) -> None:
    children = "".join(f"<sitemap><loc>http://{HOST}/c{n}.xml</loc></sitemap>" for n in range(40))
    index = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{children}'
    head = "".join(
        f"<link rel=alternate type=application/rss+xml href=/gone-{n}.xml>" for n in range(6)
    )
    site.serve(HOST, "/", page(head))
    site.serve(HOST, "/maps.xml", Answer(200, f"{index}</sitemapindex>".encode()))
    site.serve(HOST, "/feed", feed_answer("bridge"))
    robots = f"Sitemap: http://{HOST}/maps.xml\nSitemap: http://{HOST}/more.xml"
    discovery = found(site, f"http://{HOST}/", robots)
    asked = [seen for seen in site.requests if seen.path != "/robots.txt"]
    assert len(asked) == discovery.requests <= MAX_REQUESTS
    assert len([seen for seen in asked if seen.path.startswith("/c")]) == 2
    assert [one.how for one in discovery.candidates] == ["path"]


def test_a_front_page_that_is_refused_does_not_hide_the_feed(site: HttpSite) -> None:
    site.serve(HOST, "/", Answer(403))
    site.serve(HOST, "/feed", feed_answer("bridge"))
    discovery = found(site, f"http://{HOST}/")
    assert [(one.url, one.how) for one in discovery.candidates] == [(f"http://{HOST}/feed", "path")]


def test_a_link_to_the_feed_of_another_site_is_not_taken_for_this_one(site: HttpSite) -> None:
    body = b"<a href='http://other.example/feed.xml'>a friend</a><a href='/own/feed'>ours</a>"
    site.serve(HOST, "/", Answer(200, b"<html><body>" + body + b"</body></html>"))
    site.serve("other.example", "/feed.xml", feed_answer("flood"))
    site.serve(HOST, "/own/feed", feed_answer("bridge"))
    discovery = found(site, f"http://{HOST}/")
    assert [(one.url, one.how) for one in discovery.candidates] == [
        (f"http://{HOST}/own/feed", "anchor")
    ]
    assert not site.asked("other.example")


def test_one_feed_under_two_addresses_is_one_candidate(site: HttpSite) -> None:
    head = "".join(
        f"<link rel=alternate type=application/rss+xml href={path}>" for path in ("/a", "/b", "/c")
    )
    site.serve(HOST, "/", page(head))
    site.serve(HOST, "/a", feed_answer("bridge"))
    site.serve(HOST, "/b", feed_answer("bridge"))
    site.serve(HOST, "/c", redirect("/a"))
    assert len(found(site, f"http://{HOST}/").candidates) == 1


def test_a_search_never_asks_more_than_twelve_times(site: HttpSite) -> None:
    links = "".join(f"<a href='/list/{number}.rss'>x</a>" for number in range(50))
    head = "".join(
        f"<link rel=alternate type=application/rss+xml href='/{n}.xml'>" for n in range(50)
    )
    site.serve(HOST, "*", page(head, links))
    robots = "\n".join(f"Sitemap: http://{HOST}/s{number}.xml" for number in range(50))
    assert found(site, f"http://{HOST}/", robots).candidates == ()
    asked = [seen for seen in site.requests if seen.path != "/robots.txt"]
    assert 6 < len(asked) <= MAX_REQUESTS


def test_links_in_comments_scripts_and_other_schemes_are_no_feeds() -> None:
    body = (
        b"<!-- <link rel=alternate type=application/rss+xml href=/no.xml> -->"
        b"<script>'<a href=/no.rss>'</script><a href='javascript:x.rss'>x</a>"
        b"<a href='/feeds/world?a=1&amp;b=2'>yes</a><a href=/feedback>no</a>"
    )
    assert [link.url for link in page_links(body, "http://h.example/")] == [
        "http://h.example/feeds/world?a=1&b=2"
    ]


# ── what to expect ──────────────────────────────────────────────────────────────────────────


def test_a_busy_feed_is_expected_to_be_asked_more_often_than_a_quiet_one(site: HttpSite) -> None:
    site.serve(HOST, "/feed.xml", feed_answer("bridge"))
    quiet = tried(site)
    now = datetime.now(UTC)
    items = "".join(
        f"<item><title>t{n}</title><link>http://{HOST}/a/{n}</link>"
        f"<pubDate>{(now - timedelta(minutes=10 * n)).isoformat()}</pubDate></item>"
        for n in range(30)
    )
    body = f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>"
    site.serve(HOST, "/feed.xml", Answer(200, body.encode()))
    busy = tried(site)
    others = {feed.id: feed for feed in (a_feed("one.example"), a_feed("two.example"))}
    often = outlook_of(busy, others, {}, PollingOptions())
    seldom = outlook_of(quiet, others, {}, PollingOptions())
    assert often is not None
    assert seldom is not None
    assert often.interval_seconds < seldom.interval_seconds
    assert often.rate.per_hour > 10 * seldom.rate.per_hour
    assert kappa_of([], {}, PollingOptions()) > 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"interval_seconds": 1380, "next_poll_at": NOW + timedelta(minutes=25)},
         ["Next poll 10:25", "last poll 10:00", "planned 23 min", "spread +2 min"]),
        ({"interval_seconds": 1380, "floor_seconds": 3600, "floor_reason": "Cache-Control",
          "next_poll_at": NOW + timedelta(minutes=60)}, ["raised to 60 min by Cache-Control"]),
        ({"interval_seconds": 1380, "last_error_class": "http_5xx", "failure_score": 1.5,
          "next_poll_at": NOW + timedelta(hours=2)}, ["waits 2.0 h after http_5xx"]),
        ({"retry_after_until_at": NOW + timedelta(hours=3),
          "next_poll_at": NOW + timedelta(hours=3)}, ["3.0 h by the site's request to wait"]),
        ({"gone_since_at": NOW, "next_poll_at": NOW + timedelta(days=30)},
         ["2026-12-20", "every 30 days"]),
        ({"duplicate_of": "other", "next_poll_at": NOW + timedelta(days=1)}, ["feed other"]),
        ({"interval_seconds": 1380, "skip_hours": (11, 12),
          "next_poll_at": NOW + timedelta(hours=3)}, ["skipHours"]),
        ({}, ["as soon as a poller runs"]),
    ],
)  # fmt: skip
def test_the_time_of_the_next_poll_has_its_reason(
    changes: dict[str, object], words: list[str]
) -> None:
    feed = a_feed(HOST)
    state = FeedState(feed_id=feed.id, configured_url=feed.url, last_poll_at=NOW, **changes)
    reason = why_next(state, feed, NOW)
    assert reason.endswith(".")
    for word in words:
        assert word in reason
    assert "paused" in why_next(state, a_feed(HOST, enabled=False), NOW)
