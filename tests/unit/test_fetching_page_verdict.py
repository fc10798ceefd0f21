"""What an answer, or none, means for the entry whose page was asked for: one case a rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import FetchFailed
from ingest.fetching.page_verdict import (
    PageFound,
    PageMissing,
    PageVerdict,
    Redirected,
    Rejected,
    RetryLater,
    verdict_of_answer,
    verdict_of_failure,
)
from ingest.ports import Disallowed, Fetched, Resting

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
URL = "http://elsin-courier.example/flood"
PAGE = b"<!doctype html><html><body><p>The river fell.</p></body></html>"


def an_answer(
    status: int = 200, body: bytes = PAGE, media_type: str = "text/html", **headers: str
) -> Fetched:
    named = {"content-type": media_type}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Fetched(url=URL, status=status, headers=tuple(named.items()), body=body)


def judged(*given: object, **named: object) -> PageVerdict:
    return verdict_of_answer(an_answer(*given, **named), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "media_type", "verdict"),
    [
        (PAGE, "text/html", PageFound("html")),
        (PAGE, "TEXT/HTML; charset=utf-8", PageFound("html")),
        (PAGE, " application/xhtml+xml ", PageFound("html")),
        (b"no mark at all", "text/html", PageFound("html")),
        (b" " * 5000 + PAGE, "text/html", PageFound("html")),
        (b" \r\n\t", "text/html", PageMissing("empty_body", 200)),
        (b"", "text/html", PageMissing("empty_body", 200)),
        (b"%PDF-1.7 \xe2", "text/html", PageMissing("wrong_type", 200)),
        (b"\r\n \x89PNG", "text/html", PageMissing("wrong_type", 200)),
        (PAGE, "", PageFound("html")),
        (b"<?xml version='1.0'?><HTML>", "application/xml", PageFound("html")),
        (b"<?xml version='1.0'?><rss>", "application/xml", PageMissing("wrong_type", 200)),
        (b"The river fell.", "application/octet-stream", PageMissing("wrong_type", 200)),
        (b"\n" + PAGE, "text/plain", PageFound("html")),
        (b"The river fell. <p>An <html> tag further on.", "text/plain", PageFound("text")),
        (b"The river\0fell.", "text/plain", PageMissing("wrong_type", 200)),
        (b"\xff\xfeT\0h\0e\0", "text/plain", PageFound("text")),
        (b"\xfe\xff\0T\0h\0e", "text/plain", PageFound("text")),
        (PAGE, "image/png", PageMissing("wrong_type", 200)),
        (PAGE, "application/json", PageMissing("wrong_type", 200)),
    ],
)
def test_what_a_body_is(body: bytes, media_type: str, verdict: PageVerdict) -> None:
    assert judged(200, body, media_type) == verdict


def test_an_answer_without_a_type_is_judged_by_its_body() -> None:
    bare = Fetched(url=URL, status=200, headers=(), body=PAGE)
    assert verdict_of_answer(bare, NOW) == PageFound("html")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (199, PageMissing("http_199", 199)),
        (204, PageMissing("empty_body", 204)),
        (299, PageFound("html")),
        (300, PageMissing("http_300", 300)),
        (403, PageMissing("http_403", 403)),
        (404, PageMissing("http_404", 404)),
        (408, RetryLater("http_408", status=408)),
        (410, PageMissing("http_410", 410)),
        (425, RetryLater("http_425", status=425)),
        (429, RetryLater("http_429", status=429)),
        (499, PageMissing("http_499", 499)),
        (500, RetryLater("http_500", status=500)),
        (503, RetryLater("http_503", status=503)),
    ],
)
def test_what_a_status_means(status: int, verdict: PageVerdict) -> None:
    assert judged(status, b"" if status == 204 else PAGE) == verdict


def test_a_wish_to_be_asked_later_is_told_in_seconds() -> None:
    assert judged(503, retry_after="120") == RetryLater("http_503", 120.0, status=503)
    at = "Fri, 20 Nov 2026 13:00:00 GMT"
    assert judged(429, retry_after=at) == RetryLater("http_429", 3600.0, status=429)
    early = "Fri, 20 Nov 2026 12:30:00 GMT"  # by the clock of the site it is half past twelve
    assert judged(429, retry_after=at, date=early) == RetryLater("http_429", 1800.0, status=429)
    assert judged(404, retry_after="120") == PageMissing("http_404", 404)


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_wall_against_robots_is_not_asked_again(status: int) -> None:
    assert judged(status, cf_mitigated="Challenge") == PageMissing("bot_block", status)
    assert judged(status, cf_mitigated="other") != PageMissing("bot_block", status)


def test_a_page_at_another_domain_leads_there_whatever_its_status() -> None:
    to = "http://sund-post.example/flood"
    answer = Fetched(url=URL, status=302, headers=(), body=b"", redirect_to=to)
    assert verdict_of_answer(answer, NOW) == Redirected(to)


def test_a_host_that_rests_costs_no_try() -> None:
    resting = Resting(url=URL, until=NOW + timedelta(seconds=90), reason="host_rests")
    assert verdict_of_answer(resting, NOW) == RetryLater("host_rests", 90.0, counts=False)
    over = Resting(url=URL, until=NOW - timedelta(seconds=1), reason="host_rests")
    assert verdict_of_answer(over, NOW) == RetryLater("host_rests", 0.0, counts=False)


def test_what_robots_txt_forbids_is_missing_and_unreachable_rules_are_asked_later() -> None:
    forbidden = Disallowed(url=URL, reason="robots_disallowed")
    assert verdict_of_answer(forbidden, NOW) == PageMissing("robots_disallowed")
    unreachable = Disallowed(url=URL, reason="robots_unreachable")
    assert verdict_of_answer(unreachable, NOW) == RetryLater("robots_unreachable")


@pytest.mark.parametrize(
    "kind", ["timeout", "connect", "dns_temporary", "name_unknown", "tls", "bad_response"]
)
def test_a_failure_that_may_pass_is_tried_again_with_its_text(kind: str) -> None:
    error = FetchFailed("it failed", kind=kind)
    assert verdict_of_failure(error) == RetryLater(kind, message=str(error))


@pytest.mark.parametrize("kind", ["address_not_public", "bad_url"])
def test_an_address_that_may_not_be_asked_is_refused(kind: str) -> None:
    error = FetchFailed("it may not be", kind=kind)
    assert verdict_of_failure(error) == Rejected(kind, str(error))


def test_any_other_failure_leaves_what_the_feed_said() -> None:
    assert verdict_of_failure(FetchFailed("x", kind="body_too_large")) == PageMissing(
        "body_too_large"
    )
