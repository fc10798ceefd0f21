"""What becomes of an entry, for every way in which the request for its page can end."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zstandard

from ingest.errors import IndexRefused, IndexUnavailable
from ingest.fetching.document_id import DocumentIds, Identity
from ingest.fetching.fetch import EntryFetcher
from ingest.fetching.host_state import RobotsFile
from ingest.identity import document_id_of_url, version_of
from ingest.model import Entry, Page
from ingest.outcome import Drop, Keep, Reject, Retry
from ingest.ports import Known
from ingest.wire import decode, encode
from tests.builders import an_entry
from tests.http_site import Answer, HttpSite, html, redirect
from tests.manners import Wiring, run, wall_clock

HOST = "elsin-courier.example"
URL = f"https://{HOST}/flood"
HTTP = f"http://{HOST}/flood"


@pytest.fixture
def site():
    with HttpSite() as running:
        yield running


def nothing_known(ids: list[str]) -> Mapping[str, Known]:
    return {}


def fetched(
    site: HttpSite,
    *entries: Entry,
    attempt: int = 0,
    known: Callable[[list[str]], Mapping[str, Known]] = nothing_known,
    tracking: Callable[[str], tuple[str, ...]] = lambda _: (),
    **wiring: Any,
) -> list[Any]:
    """Return the outcomes of these entries, fetched one after the other by one worker."""

    async def work(wired: Wiring) -> list[Any]:
        fetcher = EntryFetcher(
            wired.fetcher,
            known=known,
            options=wired.options,
            clock=wall_clock,
            pressure=wired.politeness.pressure,
            tracking=tracking,
        )
        return [await fetcher.fetch_entry(entry, attempt) for entry in entries]

    return run(site, work, **wiring)


def entry(name: str = "flood", **changes: Any) -> Entry:
    return an_entry(name, url_published=f"http://{HOST}/{name}", **changes)


def page(outcome: Any) -> Page:
    assert isinstance(outcome, Keep), outcome
    assert isinstance(outcome.value, Page)
    return outcome.value


def text(value: Page) -> bytes:
    return zstandard.decompress(value.body)


# ── the table of outcomes ───────────────────────────────────────────────────────────────────


def test_a_page_is_kept_whole_with_its_identity(site: HttpSite) -> None:
    site.serve(HOST, "/flood?utm_source=rss", html("Flood", "The sea wall broke."))
    wanted = an_entry("flood", url_published=f"{HTTP}?utm_source=rss")
    before = datetime.now(UTC)
    (outcome,) = fetched(site, wanted)
    kept = page(outcome)
    assert b"The sea wall broke." in text(kept)
    assert kept.entry == wanted
    assert kept.kind == "html"
    assert kept.status == 200
    assert kept.content_type == "text/html; charset=utf-8"
    assert kept.url_final == f"{HTTP}?utm_source=rss"
    assert kept.url_canonical == HTTP
    assert kept.document_id == document_id_of_url(HTTP)
    assert kept.url_match_key == f"{HOST}/flood"
    assert kept.domain == HOST
    assert kept.missing_reason == ""
    assert before <= kept.fetched_at <= datetime.now(UTC)
    assert kept.version == version_of(kept.fetched_at)


def test_an_address_alone_without_a_page_is_a_drop_that_says_why(site: HttpSite) -> None:
    bare = entry(title="", summary="", content="")
    site.serve(HOST, "/flood", Answer(404))
    assert fetched(site, bare) == [Drop("no_text_http_404", is_intended=False)]
    site.serve(HOST, "/flood", html("The flood", "Water in every street of Port Elsin."))
    (outcome,) = fetched(site, bare)
    assert page(outcome).kind == "html"


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [
        (Answer(401), "http_401", 401),
        (Answer(402), "http_402", 402),
        (Answer(403), "http_403", 403),
        (Answer(404), "http_404", 404),
        (Answer(410), "http_410", 410),
        (Answer(451), "http_451", 451),
        (Answer(418), "http_418", 418),
        (Answer(403, headers=[("cf-mitigated", "challenge")]), "bot_block", 403),
        (Answer(503, headers=[("cf-mitigated", "challenge")]), "bot_block", 503),
        (Answer(200), "empty_body", 200),
        (Answer(200, b" \n\t "), "empty_body", 200),
        (Answer(204), "empty_body", 204),
        (Answer(200, b"%PDF-1.7", [("Content-Type", "application/pdf")]), "wrong_type", 200),
        (Answer(200, b"%PDF-1.7", [("Content-Type", "text/html")]), "wrong_type", 200),
        (Answer(200, b"{}", [("Content-Type", "application/json")]), "wrong_type", 200),
        (Answer(200, b"\x89PNG\r\n", [("Content-Type", "image/png")]), "wrong_type", 200),
        (Answer(200, b"a\0b", [("Content-Type", "text/plain")]), "wrong_type", 200),
        (Answer(200, b"<rss/>", [("Content-Type", "application/xml")]), "wrong_type", 200),
        (Answer(200, b"x" * 5000), "body_too_large", 0),
        (redirect("/flood"), "too_many_redirects", 0),
    ],
)
def test_without_a_page_the_entry_is_kept_for_what_its_feed_said(
    site: HttpSite, answer: Answer, reason: str, status: int
) -> None:
    site.serve(HOST, "/flood", answer)
    (outcome,) = fetched(site, entry(), max_page_bytes=4000)
    kept = page(outcome)
    assert (kept.kind, kept.missing_reason, kept.status) == ("feed", reason, status)
    assert kept.body == b""
    assert kept.document_id == document_id_of_url(HTTP)
    assert kept.entry == entry()


def test_what_robots_txt_disallows_is_not_requested(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", Answer(body=b"User-agent: *\nDisallow: /"))
    (outcome,) = fetched(site, entry())
    assert page(outcome).missing_reason == "robots_disallowed"
    assert not site.asked(HOST, "/flood")


@pytest.mark.parametrize(
    ("content_type", "body", "kind"),
    [
        ("text/html", b"plain words", "html"),
        ("application/xhtml+xml", b"<html/>", "html"),
        ("text/plain", b"plain words", "text"),
        ("text/plain; charset=utf-16", "Wörter".encode("utf-16"), "text"),
        ("text/plain", b"<!DOCTYPE html><p>x", "html"),
        ("", b"<html><p>x", "html"),
        ("application/octet-stream", b"<html><p>x", "html"),
        ("text/xml", b"<?xml version='1.0'?><html xmlns='x'/>", "html"),
        ("text/html", b"\xef\xbb\xbf<html>", "html"),
    ],
)
def test_html_and_text_are_pages(site: HttpSite, content_type: str, body: bytes, kind: str) -> None:
    site.serve(HOST, "/flood", Answer(body=body, headers=[("Content-Type", content_type)]))
    (outcome,) = fetched(site, entry())
    assert page(outcome).kind == kind
    assert text(page(outcome)) == body


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
def test_a_failing_site_is_tried_again(site: HttpSite, status: int) -> None:
    site.serve(HOST, "/flood", Answer(status))
    (outcome,) = fetched(site, entry())
    assert outcome == Retry(f"http_{status}")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for_and_the_host_rests_without_using_up_tries(
    site: HttpSite, status: int
) -> None:
    site.serve(HOST, "/flood", Answer(status, headers=[("Retry-After", "200")]))
    first, second = fetched(site, entry(), entry("other"))
    assert first == Retry(f"http_{status}", after_seconds=200)
    assert isinstance(second, Retry)
    assert second.reason == "host_rests"
    assert second.after_seconds == pytest.approx(200, abs=2)
    assert not second.counts_attempt
    assert not site.asked(HOST, "/other")


def test_silence_is_a_timeout_and_tried_again(site: HttpSite) -> None:
    site.serve(HOST, "/flood", Answer(wait_seconds=30))
    (outcome,) = fetched(site, entry(), timeout_seconds=0.2)
    assert isinstance(outcome, Retry)
    assert outcome.reason == "timeout"
    assert HTTP in outcome.message


def test_no_connection_is_tried_again(site: HttpSite) -> None:
    from ingest.settings.options import AddressGuardOptions

    (outcome,) = fetched(site, entry(), guard=AddressGuardOptions(hosts={HOST: "127.0.0.1:1"}))
    assert isinstance(outcome, Retry)
    assert outcome.reason == "connect"


def test_an_unreachable_robots_txt_is_tried_again(site: HttpSite) -> None:
    site.serve(HOST, "/robots.txt", Answer(500))
    (outcome,) = fetched(site, entry())
    assert outcome == Retry("robots_unreachable")
    assert not site.asked(HOST, "/flood")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://elsin-courier.example/x", "bad_url"),
        ("no address", "bad_url"),
    ],
)
def test_an_address_that_may_not_be_asked_is_rejected(
    site: HttpSite, url: str, reason: str
) -> None:
    (outcome,) = fetched(site, an_entry(url_published=url))
    assert isinstance(outcome, Reject)
    assert (outcome.reason, outcome.failure_class) == (reason, "permanent")
    assert outcome.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:9200/", "http://localhost/", "http://[::1]/"])
def test_a_link_to_a_private_address_is_dropped_with_its_reason(site: HttpSite, url: str) -> None:
    (outcome,) = fetched(site, an_entry(url_published=url))
    assert outcome == Drop("address_not_public")


def test_a_redirect_inward_is_dropped(site: HttpSite) -> None:
    site.serve(HOST, "/flood", redirect("/in"))
    site.serve(HOST, "/in", redirect(f"http://127.0.0.1:{site.port}/"))
    first, *_ = fetched(site, entry())
    if isinstance(first, Keep):  # another domain: the entry is sent on, and refused there
        (first,) = fetched(site, first.value)
    assert first == Drop("address_not_public")


def test_the_last_try_takes_the_feeds_text(site: HttpSite) -> None:
    site.serve(HOST, "/flood", Answer(500))
    (early,) = fetched(site, entry(), attempt=2)
    assert isinstance(early, Retry)
    (outcome,) = fetched(site, entry(), attempt=3)
    kept = page(outcome)
    assert (kept.kind, kept.missing_reason, kept.status) == ("feed", "http_500", 500)


def test_the_last_try_without_any_text_is_rejected_as_exhausted(site: HttpSite) -> None:
    site.serve(HOST, "/flood", Answer(wait_seconds=30))
    bare = entry(summary=" ", content="")
    (outcome,) = fetched(site, bare, attempt=3, timeout_seconds=0.1)
    assert isinstance(outcome, Reject)
    assert (outcome.reason, outcome.failure_class) == ("exhausted", "timeout")


def test_a_resting_host_is_waited_for_even_on_the_last_try(site: HttpSite) -> None:
    site.serve(HOST, "/flood", Answer(429, headers=[("Retry-After", "200")]))
    _, outcome = fetched(site, entry(), entry("other"), attempt=3)
    assert isinstance(outcome, Retry)
    assert not outcome.counts_attempt


def test_a_host_that_is_too_slow_for_a_day_goes_without_its_page(site: HttpSite) -> None:
    old = entry(first_seen_at=datetime.now(UTC) - timedelta(hours=23, minutes=30))

    async def work(wired: Wiring) -> Any:
        slow = RobotsFile(status=200, fetched_at=wall_clock(), crawl_delay_seconds=3601)
        wired.states.put_robots(f"http://{HOST}", slow)
        fetcher = EntryFetcher(
            wired.fetcher,
            known=nothing_known,
            options=wired.options,
            clock=wall_clock,
            pressure=wired.politeness.pressure,
        )
        waiting = asyncio.create_task(wired.politeness.begin(f"http://{HOST}/"))
        await waiting
        queued = asyncio.create_task(wired.politeness.begin(f"http://{HOST}/"))
        await asyncio.sleep(0)
        outcome = await fetcher.fetch_entry(old)
        queued.cancel()
        return outcome

    assert page(run(site, work)).missing_reason == "host_too_slow"
    assert site.requests == []


# ── redirects to other domains ──────────────────────────────────────────────────────────────


def test_a_redirect_to_another_domain_sends_the_entry_on(site: HttpSite) -> None:
    site.serve("feedlinks.example", "/r/1", redirect(f"http://www.{HOST}/flood"))
    site.serve(f"www.{HOST}", "/flood", html("t", "there"))
    first = an_entry(url_published="http://feedlinks.example/r/1")
    (sent_on,) = fetched(site, first)
    assert isinstance(sent_on, Keep)
    moved = sent_on.value
    assert isinstance(moved, Entry)
    assert moved.url_published == first.url_published
    assert moved.url_to_ask == f"http://www.{HOST}/flood"
    assert (moved.id, moved.hops) == (first.id, 1)
    assert not site.asked(f"www.{HOST}")
    (outcome,) = fetched(site, moved)
    assert page(outcome).url_canonical == f"http://www.{HOST}/flood"


def test_after_five_domains_the_feeds_text_has_to_do(site: HttpSite) -> None:
    for number in range(8):
        target = f"http://domain{number + 1}.example/a"
        site.serve(f"domain{number}.example", "/a", redirect(target))
    current = an_entry(url_published="http://domain0.example/a")
    for _ in range(5):
        (outcome,) = fetched(site, current)
        assert isinstance(outcome.value, Entry)
        current = outcome.value
    (outcome,) = fetched(site, current)
    assert page(outcome).missing_reason == "too_many_redirects"
    assert page(outcome).url_canonical == "http://domain0.example/a"


# ── document ids ────────────────────────────────────────────────────────────────────────────


def canonical_of(site: HttpSite, head: str, name: str = "flood", **more: Any) -> str:
    site.serve(HOST, f"/{name}", html("t", "x", head))
    (outcome,) = fetched(site, entry(name), **more)
    kept = page(outcome)
    assert kept.document_id == document_id_of_url(kept.url_canonical)
    return kept.url_canonical.removeprefix(f"http://{HOST}")


def test_the_pages_canonical_link_counts_before_og_url_and_both_before_the_final_url(
    site: HttpSite,
) -> None:
    link = '<link rel="canonical" href="/canonical?id=1&amp;utm_medium=x">'
    og = '<meta property="og:url" content="/og">'
    assert canonical_of(site, og + link) == "/canonical?id=1"
    assert canonical_of(site, og) == "/og"
    assert canonical_of(site, "") == "/flood"


@pytest.mark.parametrize(
    "href",
    ["/", f"http://www.{HOST}", "http://other.example/x", "javascript:1", "", "mailto:a@b.example"],
)
def test_a_canonical_link_to_the_front_or_to_another_site_does_not_count(
    site: HttpSite, href: str
) -> None:
    assert canonical_of(site, f'<link rel="canonical" href="{href}">') == "/flood"


def test_the_final_url_counts_unless_it_is_the_front_page(site: HttpSite) -> None:
    site.serve(HOST, "/short", redirect("/flood-in-port-elsin?utm_source=x"))
    site.serve(HOST, "/flood-in-port-elsin?utm_source=x", html("t", "x"))
    site.serve(HOST, "/gone", redirect("/"))
    site.serve(HOST, "/", html("t", "x"))
    short, gone = fetched(site, entry("short"), entry("gone"))
    assert page(short).url_canonical == f"http://{HOST}/flood-in-port-elsin"
    assert page(gone).url_canonical == f"http://{HOST}/gone"


def test_articles_behind_a_consent_wall_keep_ids_of_their_own(site: HttpSite) -> None:
    names = ["flood", "bridge", "election"]
    titles = ["Harbour flooded in Port Elsin", "Bridge closed", "Mayor elected in Tarn Hollow"]
    for name in names:
        site.serve(HOST, f"/{name}", redirect("/consent?back=1"))
    head = '<link rel="canonical" href="/consent">'
    site.serve(HOST, "/consent?back=1", html("We value your privacy", "x", head))
    entries = [entry(name, title=title) for name, title in zip(names, titles, strict=True)]
    kept = [page(outcome).url_canonical for outcome in fetched(site, *entries)]
    assert kept == [f"http://{HOST}/{name}" for name in names]


def test_a_section_page_takes_at_most_one_article(site: HttpSite) -> None:
    titles = ["Harbour flooded in Port Elsin", "Bridge closed", "Mayor elected in Tarn Hollow"]
    for number in range(3):
        site.serve(HOST, f"/{number}", redirect("/news"))
    site.serve(HOST, "/news", html("News", "x", '<link rel="canonical" href="/news">'))
    entries = [entry(str(number), title=titles[number]) for number in range(3)]
    kept = [page(outcome).url_canonical for outcome in fetched(site, *entries)]
    assert kept == [f"http://{HOST}/{path}" for path in ("news", "1", "2")]


def a_known(id: str, title: str, entry_id: str = "e" * 32) -> Known:
    return Known(
        id=id,
        index="",
        version=1,
        revision=1,
        content_hash="",
        content_source="page",
        title=title,
        entry_id=entry_id,
        first_seen_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Mayor elected in Tarn Hollow", "/flood"),
        ("Harbour flooded in Port Elsin | Elsin Courier", "/canonical"),
        ("HARBOUR FLOODED in Port Elsin!", "/canonical"),
        ("", "/canonical"),
    ],
)
def test_an_id_the_index_knows_under_another_title_does_not_count(
    site: HttpSite, title: str, path: str
) -> None:
    asked: list[list[str]] = []

    def known(ids: list[str]) -> Mapping[str, Known]:
        asked.append(ids)
        return {id: a_known(id, title) for id in ids}

    head = '<link rel="canonical" href="/canonical">'
    assert canonical_of(site, head, known=known) == path
    assert asked == [[document_id_of_url(f"http://{HOST}/canonical")]]


def test_the_index_is_not_asked_where_its_answer_changes_nothing(site: HttpSite) -> None:
    def known(ids: list[str]) -> Mapping[str, Known]:
        raise AssertionError(ids)

    assert canonical_of(site, "", known=known) == "/flood"


def test_the_same_entry_keeps_its_id_from_one_fetch_to_the_next(site: HttpSite) -> None:
    pages = [html("t", "x", f'<link rel="canonical" href="/{name}">') for name in ("one", "two")]
    site.serve(HOST, "/flood", [*pages, Answer(404)])
    outcomes = fetched(site, entry(), entry(change="updated"), entry())
    assert len({page(outcome).document_id for outcome in outcomes}) == 1


def test_after_a_slug_edit_a_known_document_keeps_its_id(site: HttpSite) -> None:
    site.serve(HOST, "/flood-updated", html("t", "x"))
    old = document_id_of_url(f"http://{HOST}/flood")

    def known(ids: list[str]) -> Mapping[str, Known]:
        return {id: a_known(id, "Anything") for id in ids if id == old}

    edited = entry("flood-updated", previous_url=f"http://{HOST}/flood?utm_source=rss")
    (kept,) = fetched(site, edited, known=known)
    assert page(kept).document_id == old
    assert page(kept).url_canonical == f"http://{HOST}/flood-updated"
    (fresh,) = fetched(site, edited)
    assert page(fresh).document_id == document_id_of_url(f"http://{HOST}/flood-updated")


def test_a_slug_edit_right_after_the_first_fetch_keeps_the_id(site: HttpSite) -> None:
    site.serve(HOST, "/flood", html("t", "x"))
    site.serve(HOST, "/flood-updated", html("t", "x"))
    edited = an_entry(
        "flood", url_published=f"http://{HOST}/flood-updated", previous_url=f"http://{HOST}/flood"
    )
    first, second = fetched(site, entry(), edited)
    assert page(first).document_id == page(second).document_id
    assert page(second).url_canonical == f"http://{HOST}/flood-updated"


def test_a_sites_own_tracking_parameters_are_cut(site: HttpSite) -> None:
    site.serve(HOST, "/flood?ref=feed&id=5", html("t", "x"))
    wanted = an_entry(url_published=f"{HTTP}?ref=feed&id=5")
    (outcome,) = fetched(site, wanted, tracking=lambda url: ("ref",))
    assert page(outcome).url_canonical == f"{HTTP}?id=5"


def test_while_the_index_does_not_answer_pages_are_fetched_and_it_is_rarely_asked(
    site: HttpSite,
) -> None:
    asked: list[list[str]] = []

    def known(ids: list[str]) -> Mapping[str, Known]:
        asked.append(ids)
        raise IndexUnavailable("the index does not answer")

    for name in ("flood", "storm"):
        link = f'<link rel="canonical" href="/canonical-{name}">'
        site.serve(HOST, f"/{name}", html("t", "x", link))
    outcomes = fetched(site, entry(), entry("storm"), known=known)
    paths = [page(outcome).url_canonical.rpartition("/")[2] for outcome in outcomes]
    assert paths == ["canonical-flood", "canonical-storm"]
    assert len(asked) == 1
    assert len(site.asked(HOST, "/flood")) == len(site.asked(HOST, "/storm")) == 1


def test_an_index_that_refuses_the_client_is_told(site: HttpSite) -> None:
    def known(ids: list[str]) -> Mapping[str, Known]:
        raise IndexRefused("the index refuses this client")

    site.serve(HOST, "/flood", html("t", "x", '<link rel="canonical" href="/canonical">'))
    with pytest.raises(IndexRefused):
        fetched(site, entry(), known=known)


def test_an_id_chosen_by_an_earlier_process_is_kept_without_the_index() -> None:
    def known(ids: list[str]) -> Mapping[str, Known]:
        raise IndexUnavailable("the index does not answer")

    ids = DocumentIds(known)
    ids.restore(entry().id, "d" * 32, entry().title)
    edited = an_entry(
        "flood", url_published=f"http://{HOST}/edited", previous_url=f"http://{HOST}/flood"
    )
    kept = asyncio.run(ids.of_page(edited, f"http://{HOST}/edited", b""))
    assert kept == Identity("d" * 32, f"http://{HOST}/edited")
    again = asyncio.run(ids.of_page(entry(), HTTP, b""))
    assert again.document_id == "d" * 32


def test_headers_that_tell_of_the_page_are_kept_and_can_be_written(site: HttpSite) -> None:
    headers: list[tuple[str, str | bytes]] = [
        ("Content-Type", b"text/html; x=\xff"),
        ("Last-Modified", "Fri, 20 Nov 2026 11:00:00 GMT"),
        ("ETag", b'"caf\xe9"'),
        ("Set-Cookie", "visit=1"),
    ]
    site.serve(HOST, "/flood", Answer(body=b"<html><p>x", headers=headers))
    (outcome,) = fetched(site, entry())
    kept = page(outcome)
    assert kept.headers == (("last-modified", "Fri, 20 Nov 2026 11:00:00 GMT"), ("etag", '"caf?"'))
    assert kept.content_type == "text/html; x=?"
    assert decode(encode(kept), Page) == kept
