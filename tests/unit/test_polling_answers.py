"""What answers mean, which validators are sent, when a feed's address is rewritten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from ingest.dates import retry_after
from ingest.polling.document import answers
from ingest.polling.document.after_document import after_address_lost, after_redirects
from ingest.polling.document.answers import (
    conditional_headers,
    probe_is_due,
    validators_are_wrong,
    with_equal_body_counted,
    with_new_validators,
)
from ingest.polling.state.feed_state import FeedState
from ingest.ports import Fetched, Hop

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
URL = "http://elsin-courier.example/feed"


def answer(status: int = 200, body: bytes = b"x", **more: Any) -> Fetched:
    headers = tuple(
        (name.replace("_", "-"), str(value)) for name, value in more.pop("headers", {}).items()
    )
    fields: dict[str, Any] = {"url": URL, "status": status, "headers": headers, "body": body}
    return Fetched(**(fields | more))


def a_state(**changes: Any) -> FeedState:
    return FeedState(feed_id="courier", configured_url=URL, **changes)


@pytest.mark.parametrize(
    ("given", "kind", "error_class"),
    [
        (answer(), "body", ""),
        (answer(226), "partial", ""),
        (answer(304, b""), "not_modified", ""),
        (answer(204, b""), "failed", "empty_body"),
        (answer(200, b" \n"), "failed", "empty_body"),
        (answer(401), "failed", "http_401"),
        (answer(403), "failed", "http_403"),
        (answer(403, headers={"cf-mitigated": "challenge"}), "failed", "bot_block"),
        (answer(404), "failed", "http_404"),
        (answer(410), "failed", "http_410"),
        (answer(418), "failed", "http_4xx"),
        (answer(429), "rests", "rate_limited"),
        (answer(500), "failed", "http_5xx"),
        (answer(503), "failed", "http_5xx"),
        (answer(503, headers={"retry-after": "120"}), "rests", "rate_limited"),
        (answer(300), "failed", "bad_response"),
    ],
)
def test_an_answer_is_judged_by_its_status_and_body(
    given: Fetched, kind: str, error_class: str
) -> None:
    judged = answers.judge(given, sent_validators=True)
    assert (judged.kind, judged.error_class) == (kind, error_class)
    assert not error_class or error_class in answers.WEIGHTS


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (answer(200, b" "), "200 with an empty body"),
        (answer(226, b""), "226 with an empty body"),
        (answer(204, b""), "204, no content"),
        (answer(410, headers={"retry-after": "9"}), "HTTP 410"),
        (answer(400), "HTTP 400"),
        (answer(399), "HTTP 399"),
        (answer(429), "HTTP 429, without Retry-After"),
        (answer(429, headers={"retry-after": " 1 \t2 "}), "HTTP 429, Retry-After: 1 2"),
        (answer(400, headers={"retry-after": "y" * 50}), f"HTTP 400, Retry-After: {'y' * 40}"),
        (answer(302, headers={"retry-after": "9"}), "HTTP 302"),
    ],
)
def test_what_is_wrong_is_told(given: Fetched, message: str) -> None:
    judged = answers.judge(given, sent_validators=False)
    assert judged.message == message
    assert judged.kind == ("rests" if "Retry-After" in message else "failed")


def test_any_of_three_statuses_brings_a_body() -> None:
    kinds = [
        answers.judge(answer(status), sent_validators=False).kind for status in (200, 203, 226)
    ]
    assert kinds == ["body", "body", "partial"]
    assert answers.judge(answer(201), sent_validators=False).kind == "failed"


@pytest.mark.parametrize(
    ("status", "mitigated", "error_class"),
    [(403, " Challenge ", "bot_block"), (403, "none", "http_403"), (404, "challenge", "http_404")],
)
def test_a_wall_against_robots_is_known_by_its_header(
    status: int, mitigated: str, error_class: str
) -> None:
    given = answer(status, headers={"cf-mitigated": mitigated})
    assert answers.judge(given, sent_validators=False).error_class == error_class


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/xml; charset=utf-8", "utf-8"),
        ("text/xml; boundary=x; Charset = 'ISO-8859-1'", "ISO-8859-1"),
        ('text/xml;charset="koi8-r"', "koi8-r"),
        ("text/xml; charset=a=b", "a=b"),
        ("text/xml", ""),
        ("charset=utf-8", ""),
        ("text/xml; charsets=utf-8", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_charset_of_a_header_is_read(content_type: str | None, charset: str) -> None:
    assert answers.charset_of(content_type) == charset


def test_a_304_that_nobody_asked_for_is_a_failure() -> None:
    judged = answers.judge(answer(304, b""), sent_validators=False)
    assert (judged.kind, judged.error_class) == ("failed", "bad_response")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        ("317100", 317_100.0),
        ("31536000", 7 * 86_400.0),
        ("Fri, 20 Nov 2026 13:00:00 GMT", 3_600.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, expected: float | None) -> None:
    wait = retry_after(value, NOW)
    assert (wait and wait.total_seconds()) == expected


def test_a_rest_of_unknown_length_doubles_from_a_quarter_of_an_hour() -> None:
    assert [answers.rest_seconds(None, count, 0.0) for count in (0, 1, 2, 20)] == [
        900,
        1800,
        3600,
        86_400,
    ]
    assert answers.rest_seconds(120, 0, 0.99) < 240
    assert answers.rest_seconds(120, 3, 0.5) == 180
    assert answers.rest_seconds(7_200, 0, 0.5) == 7_200 + 1_800
    assert answers.rest_seconds(None, 9, 1.0) == 86_400 + 3_600


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"cache-control": "max-age=7200"}, 7200),
        ({"cache-control": "public, max-age=600", "age": "200", "expires": "tomorrow"}, 400),
        ({"cache-control": "max-age=31536000"}, 86_400),
        ({"cache-control": "no-cache, max-age=600"}, 0),
        ({"cache-control": "no-store, max-age=600"}, 0),
        ({"cache-control": 'Public, MAX-AGE="600"'}, 600),
        ({"cache-control": "s-maxage=900, max-age=600, max-age=1"}, 600),
        ({"cache-control": "max-age=600", "age": " 100 "}, 500),
        ({"cache-control": "max-age=600", "age": "some"}, 600),
        ({"cache-control": "max-age=600", "age": "900"}, 0),
        ({"cache-control": "max-age=soon"}, 0),
        ({"cache-control": "max-age=9999999999999"}, 86_400),
        (
            {
                "cache-control": "public",
                "expires": "Fri, 20 Nov 2026 16:00:00 GMT",
                "date": "Fri, 20 Nov 2026 15:00:00 GMT",
            },
            0,
        ),
        ({"expires": "Fri, 20 Nov 2026 16:00:00 GMT"}, 0),
        (
            {"expires": " Fri, 20 Nov 2026 16:00:00 ", "date": "Fri, 20 Nov 2026 15:00:00 GMT"},
            3_600,
        ),
        ({"expires": "Fri, 20 Nov 2026 14:00:00 GMT", "date": "Fri, 20 Nov 2026 15:00:00 GMT"}, 0),
        (
            {"expires": "Sun, 22 Nov 2026 14:00:00 GMT", "date": "Fri, 20 Nov 2026 15:00:00 GMT"},
            86_400,
        ),
        ({"expires": "0"}, 0),
        (
            {
                "date": "Fri, 20 Nov 2026 15:00:00 GMT",
                "expires": "Fri, 20 Nov 2026 16:00:00 GMT",
            },
            3_600,
        ),
        ({}, 0),
    ],
)
def test_freshness_is_a_floor(headers: dict[str, str], expected: float) -> None:
    assert answers.cache_floor_seconds(answer(headers=headers)) == expected


@pytest.mark.parametrize("etag", ['W/"a b"', "no-quotes", '"ü"', '"\udcff"'])
def test_validators_go_back_byte_for_byte(etag: str) -> None:
    given = answer(headers={"etag": etag, "last-modified": "2024-01-02 03:04"})
    state = with_new_validators(replace(a_state(), last_probe_at=NOW), given)
    assert conditional_headers(state, NOW) == {
        "If-None-Match": etag,
        "A-IM": "feed",
        "If-Modified-Since": "2024-01-02 03:04",
    }


def test_a_304_renews_only_what_it_carries() -> None:
    state = a_state(etag=b'"1"', last_modified=b"then")
    renewed = with_new_validators(state, answer(304, headers={"etag": '"2"'}))
    assert (renewed.etag, renewed.last_modified) == (b'"2"', b"then")
    emptied = with_new_validators(state, answer(200))
    assert (emptied.etag, emptied.last_modified) == (b"", b"")


def test_five_equal_bodies_in_a_row_try_another_way_to_ask() -> None:
    state = a_state(etag=b'"1"', last_modified=b"then", last_probe_at=NOW)
    for _ in range(5):
        state = with_equal_body_counted(state, sent_validators=True)
    assert list(conditional_headers(state, NOW)) == ["If-Modified-Since"]
    for _ in range(5):
        state = with_equal_body_counted(state, sent_validators=True)
    assert list(conditional_headers(state, NOW)) == ["If-None-Match", "A-IM"]


def test_a_server_that_says_304_for_ever_is_asked_without_validators_and_found_out() -> None:
    state = a_state(etag=b'"stuck"', last_probe_at=NOW - timedelta(days=8), last_change_at=NOW)
    assert conditional_headers(state, NOW) == {}
    assert validators_are_wrong(state, answer(headers={"etag": '"stuck"'}), 3)
    assert not validators_are_wrong(state, answer(headers={"etag": '"other"'}), 3)
    assert not validators_are_wrong(state, answer(headers={"etag": '"stuck"'}), 0)


def test_no_more_than_one_such_question_a_day() -> None:
    quiet = a_state(etag=b'"1"', last_change_at=NOW - timedelta(days=60))
    assert probe_is_due(replace(quiet, last_probe_at=NOW - timedelta(hours=25)), NOW)
    assert not probe_is_due(replace(quiet, last_probe_at=NOW - timedelta(hours=23)), NOW)


def moved(*statuses: int, url: str, asked: str = URL) -> Fetched:
    return answer(url=url, hops=tuple(Hop(asked, status) for status in statuses))


def test_a_permanent_redirect_is_believed_after_a_week_of_the_same_answer() -> None:
    target = "http://news.elsin.example/rss"
    state = after_redirects(a_state(), moved(301, 308, url=target), NOW)
    assert (state.url, state.redirect_target) == (URL, target)
    later = NOW + timedelta(days=6)
    assert after_redirects(state, moved(301, url=target), later).url == URL
    assert after_redirects(state, moved(301, url=target), NOW + timedelta(days=7)).url == target


def test_a_target_that_changes_starts_the_week_anew() -> None:
    state = after_redirects(a_state(), moved(301, url="http://a.example/"), NOW)
    later = NOW + timedelta(days=7)
    state = after_redirects(state, moved(301, url="http://b.example/"), later)
    assert (state.url, state.redirect_first_seen_at) == (URL, later)


def test_a_temporary_redirect_anywhere_in_the_chain_is_never_stored() -> None:
    state = after_redirects(a_state(), moved(301, 302, url="http://a.example/"), NOW)
    assert not state.redirect_target


def test_https_on_the_same_host_is_believed_at_once_and_http_never() -> None:
    secure = URL.replace("http:", "https:")
    assert after_redirects(a_state(), moved(301, url=secure), NOW).url == secure
    state = a_state(effective_url=secure)
    assert not after_redirects(state, moved(301, url=URL), NOW).redirect_target


def test_a_404_takes_the_target_on_record_at_once() -> None:
    state = a_state(redirect_target="http://a.example/", redirect_first_seen_at=NOW)
    assert after_address_lost(state, answer(404)).url == "http://a.example/"
    assert after_address_lost(state, answer(500)).url == URL
