"""Articles on several pages and AMP pages, fetched through real sockets."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard

from ingest.fetching.fetch import EntryFetcher
from ingest.identity import document_id_of_url
from ingest.model import Entry, Page
from ingest.outcome import Keep, Retry
from ingest.wire import encode
from tests.builders import an_entry
from tests.http_site import Answer, HttpSite, html, redirect
from tests.manners import Wiring, run, wall_clock

HOST = "elsin-courier.example"
PATH = "/2026/long-read"
URL = f"http://{HOST}{PATH}"


@pytest.fixture
def site() -> Iterator[HttpSite]:
    with HttpSite() as running:
        yield running


def fetched(site: HttpSite, entry: Entry | None = None, attempt: int = 0, **wiring: Any) -> Any:
    """Return the outcome of one entry."""

    async def work(wired: Wiring) -> Any:
        fetcher = EntryFetcher(
            wired.fetcher, known=lambda _: {}, options=wired.options, clock=wall_clock,
            pressure=wired.politeness.pressure,
        )  # fmt: skip
        return await fetcher.fetch_entry(entry or an_entry("long", url_published=URL), attempt)

    return run(site, work, **wiring)


def kept(outcome: Any) -> Page:
    assert isinstance(outcome, Keep), outcome
    assert isinstance(outcome.value, Page)
    return outcome.value


def bodies(page: Page) -> list[str]:
    return [
        zstandard.decompress(one).decode() for one in (page.body, *(p.body for p in page.parts))
    ]


def article(number: int, of: int, more: str = "") -> Answer:
    """Return one page of an article with a pager under it."""
    pager = "".join(f'<a href="{PATH}?page={n}">{n}</a> ' for n in range(1, of + 1))
    return html(f"Long read {number}", f"Part {number} of the text. {more}</p><p>{pager}")


def serve(site: HttpSite, count: int, **answers: Any) -> None:
    site.serve(HOST, PATH, article(1, count))
    for number in range(2, count + 1):
        site.serve(HOST, f"{PATH}?page={number}", article(number, count))


def asked(site: HttpSite) -> list[str]:
    return [seen.path for seen in site.asked(HOST) if seen.path != "/robots.txt"]


def test_the_pages_of_an_article_come_in_order_each_asked_once(site: HttpSite) -> None:
    serve(site, 3)
    page = kept(fetched(site))
    assert [f"Part {n} of the text" in body for n, body in enumerate(bodies(page), 1)] == [True] * 3
    assert [part.url for part in page.parts] == [f"{URL}?page=2", f"{URL}?page=3"]
    assert page.parts_missing_reason == ""
    assert (page.document_id, page.url_canonical) == (document_id_of_url(URL), URL)
    assert asked(site) == [PATH, f"{PATH}?page=2", f"{PATH}?page=3"]


def test_ten_pages_at_most(site: HttpSite) -> None:
    serve(site, 14)
    page = kept(fetched(site))
    assert len(page.parts) == 9
    assert page.parts_missing_reason == "page 10: more_than_10_pages"
    assert len(asked(site)) == 10


def test_requests_for_parts_keep_the_gap(site: HttpSite) -> None:
    serve(site, 3)
    began = time.monotonic()
    assert len(kept(fetched(site, gap_seconds=0.25)).parts) == 2
    assert len(site.asked(HOST)) == 4  # robots.txt among them
    assert site.keeps_gap(0.25, began, HOST)
    assert site.most_in_flight(HOST) == 1


def test_robots_txt_counts_for_parts_too(site: HttpSite) -> None:
    serve(site, 3)
    site.serve(HOST, "/robots.txt", Answer(body=b"User-agent: *\nDisallow: /*page=3"))
    page = kept(fetched(site))
    assert len(page.parts) == 1
    assert page.parts_missing_reason == "page 3: robots_disallowed"
    assert f"{PATH}?page=3" not in asked(site)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(404), "http_404"),
        (Answer(403), "http_403"),
        (Answer(200), "empty_body"),
        (Answer(200, b"%PDF-1.7", [("Content-Type", "application/pdf")]), "wrong_type"),
        (redirect("http://elsewhere.example/"), "leads_elsewhere"),
        (redirect(f"http://{HOST}/2026/another"), "leads_elsewhere"),
        (Answer(200, b"<html>" + b"x" * 50_000), "body_too_large"),
    ],
)
def test_a_part_that_is_not_to_be_had_costs_no_other(
    site: HttpSite, answer: Answer, reason: str
) -> None:
    serve(site, 3)
    site.serve(HOST, "/2026/another", html("Another", "Another article."))
    site.serve(HOST, f"{PATH}?page=3", answer)
    page = kept(fetched(site, max_page_bytes=20_000))
    assert len(bodies(page)) == 2
    assert page.parts_missing_reason == f"page 3: {reason}"


@pytest.mark.parametrize("status", [500, 503, 408])
def test_a_part_that_may_come_soon_sends_the_entry_round_once(site: HttpSite, status: int) -> None:
    serve(site, 3)
    site.serve(HOST, f"{PATH}?page=2", Answer(status))
    outcome = fetched(site)
    assert outcome == Retry("part_missing", message=f"page 2: http_{status}")
    page = kept(fetched(site, attempt=1))
    assert (page.parts, page.parts_missing_reason) == ((), f"page 2: http_{status}")
    site.serve(HOST, f"{PATH}?page=2", article(2, 3))
    assert len(kept(fetched(site, attempt=1)).parts) == 2


def test_a_host_that_wants_a_long_rest_is_not_waited_for(site: HttpSite) -> None:
    serve(site, 3)
    site.serve(HOST, f"{PATH}?page=2", Answer(503, headers=[("Retry-After", "4000")]))
    page = kept(fetched(site))
    assert (page.parts, page.parts_missing_reason) == ((), "page 2: http_503")


def test_a_site_that_leads_in_circles_ends(site: HttpSite) -> None:
    site.serve(HOST, PATH, html("A", f"One. <a rel=next href='{PATH}?page=2'>2</a>"))
    site.serve(HOST, f"{PATH}?page=2", redirect(PATH))
    page = kept(fetched(site))
    assert (page.parts, page.parts_missing_reason) == ((), "")
    same = html("A", f"One. <a rel=next href='{PATH}?page=2'>2</a>")
    site.serve(HOST, f"{PATH}?page=2", same)
    page = kept(fetched(site))
    assert (page.parts, page.parts_missing_reason) == ((), "")


def test_all_parts_together_keep_to_the_bytes_of_one_page(site: HttpSite) -> None:
    site.serve(HOST, PATH, article(1, 4, "x" * 8000))
    for number in (2, 3, 4):
        site.serve(HOST, f"{PATH}?page={number}", article(number, 4, "x" * 8000))
    page = kept(fetched(site, max_page_bytes=20_000))
    assert len(page.parts) == 1
    assert page.parts_missing_reason == "page 3: body_too_large"


def test_a_record_of_the_log_holds_all_parts(site: HttpSite) -> None:
    draw = random.Random(1)
    noise = ["".join(draw.choices("0123456789abcdef", k=2_400_000)) for _ in range(3)]
    for number, one in enumerate(noise, 1):
        path = PATH if number == 1 else f"{PATH}?page={number}"
        site.serve(HOST, path, Answer(body=article(number, 3).body + f"<!-- {one} -->".encode()))
    page = kept(fetched(site))
    assert len(page.parts) == 1
    assert page.parts_missing_reason == "page 3: record_too_large"
    assert 3_000_000 < len(encode(page)) < 4_000_000


def test_a_page_that_no_record_holds_leaves_the_words_of_the_feed(site: HttpSite) -> None:
    noise = "".join(random.Random(1).choices("0123456789abcdef", k=7_000_000))
    site.serve(HOST, PATH, article(1, 1, f"</p><!-- {noise} -->"))
    page = kept(fetched(site))
    assert (page.kind, page.missing_reason, page.body) == ("feed", "body_too_large", b"")


def test_all_on_one_page_is_asked_for_where_it_is_offered(site: HttpSite) -> None:
    serve(site, 3)
    offer = f'<a href="{PATH}?page=all">View all</a>'
    site.serve(HOST, PATH, article(1, 3, offer))
    site.serve(HOST, f"{PATH}?page=all", html("Long read", "Part 1, part 2 and part 3."))
    page = kept(fetched(site))
    assert asked(site) == [PATH, f"{PATH}?page=all"]
    assert [part.url for part in page.parts] == [f"{URL}?page=all"]
    site.serve(HOST, f"{PATH}?page=all", Answer(404))
    page = kept(fetched(site))
    assert [part.url for part in page.parts] == [f"{URL}?page=2", f"{URL}?page=3"]
    assert page.parts_missing_reason == ""


def test_the_next_article_of_a_blog_is_none_of_this_one(site: HttpSite) -> None:
    head = f'<link rel="next" href="http://{HOST}/2026/another">'
    site.serve(HOST, PATH, html("Long read", "All of it.", head))
    page = kept(fetched(site))
    assert (page.parts, page.parts_missing_reason) == ((), "")
    assert asked(site) == [PATH]


# ── AMP ─────────────────────────────────────────────────────────────────────────────────────


def amp(canonical: str) -> Answer:
    head = f'<link rel="canonical" href="{canonical}">'
    return Answer(body=f"<!doctype html><html ⚡><head>{head}</head><p>In short.".encode())


def test_the_original_of_an_amp_page_is_taken_instead(site: HttpSite) -> None:
    site.serve(HOST, f"{PATH}/amp", amp(URL))
    site.serve(HOST, PATH, html("Long read", "In full."))
    page = kept(fetched(site, an_entry("long", url_published=f"{URL}/amp")))
    assert "In full." in bodies(page)[0]
    assert (page.url_final, page.url_canonical) == (URL, URL)
    assert page.document_id == document_id_of_url(URL)
    assert page.entry.url_published == f"{URL}/amp"
    assert asked(site) == [f"{PATH}/amp", PATH]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(503),
        redirect("http://elsewhere.example/"),
        Answer(200, b"%PDF-1.7", [("Content-Type", "application/pdf")]),
    ],
)
def test_an_amp_page_whose_original_is_not_to_be_had_is_kept(
    site: HttpSite, answer: Answer
) -> None:
    site.serve(HOST, f"{PATH}/amp", amp(URL))
    site.serve(HOST, PATH, answer)
    page = kept(fetched(site, an_entry("long", url_published=f"{URL}/amp")))
    assert "In short." in bodies(page)[0]
    assert page.url_final == f"{URL}/amp"
    assert page.document_id == document_id_of_url(URL)


def test_two_amp_pages_that_name_each_other_end(site: HttpSite) -> None:
    site.serve(HOST, f"{PATH}/amp", amp(URL))
    site.serve(HOST, PATH, amp(f"{URL}/amp"))
    kept(fetched(site, an_entry("long", url_published=f"{URL}/amp")))
    assert asked(site) == [f"{PATH}/amp", PATH]


def test_an_amp_page_of_another_site_is_not_followed(site: HttpSite) -> None:
    site.serve(HOST, f"{PATH}/amp", amp("http://elsewhere.example/long-read"))
    page = kept(fetched(site, an_entry("long", url_published=f"{URL}/amp")))
    assert asked(site) == [f"{PATH}/amp"]
    assert "In short." in bodies(page)[0]
