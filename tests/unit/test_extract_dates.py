"""Dates: how they are read, which one is chosen, which are not believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.dates import find_date
from tests.unit.extract_pages import ARTICLE, PARAGRAPHS, SEEN_AT, extracted, html_of


@pytest.mark.parametrize(
    ("raw", "at", "precision", "is_assumed"),
    [
        ("2026-01-15T10:20:30Z", "2026-01-15T10:20:30", "second", False),
        ("2026-01-15T10:20:30.123+0200", "2026-01-15T08:20:30", "second", False),
        ("2026-01-15 10:20", "2026-01-15T09:20:00", "minute", True),
        ("2026-01-15", "2026-01-14T23:00:00", "day", True),
        ("Thu, 15 Jan 2026 10:20:30 GMT", "2026-01-15T10:20:30", "second", False),
        ("January 15, 2026 at 3:05 pm EST", "2026-01-15T20:05:00", "minute", False),
        ("15 janvier 2026 à 10h30", "2026-01-15T09:30:00", "minute", True),
        ("15. März 2026, 18:00 Uhr", "2026-03-15T17:00:00", "minute", True),
        ("15 de enero de 2026", "2026-01-14T23:00:00", "day", True),
        ("15.01.2026", "2026-01-14T23:00:00", "day", True),
        ("25/01/2026", "2026-01-24T23:00:00", "day", True),
        ("1768472430", "2026-01-15T10:20:30", "second", False),
        ("1768472430123", "2026-01-15T10:20:30", "second", False),
        ("20260115T102030Z", "2026-01-15T10:20:30", "second", False),
    ],
)
def test_dates_are_read_in_the_zone_of_the_site(
    raw: str, at: str, precision: str, is_assumed: bool
) -> None:
    found = find_date(raw, "Europe/Berlin")
    assert found is not None
    assert found.at == datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert (found.precision, found.is_zone_assumed) == (precision, is_assumed)


@pytest.mark.parametrize(
    "raw",
    ["", "yesterday", "01/02/2026", "2026-13-45", "31 February 2026", "0000-00-00", "20269999"],
)
def test_what_is_no_sure_date_is_not_read(raw: str) -> None:
    assert find_date(raw) is None


def test_an_unknown_zone_of_a_site_is_utc() -> None:
    found = find_date("2026-01-15 10:20", "Atlantis/Elsin")
    assert found is not None
    assert found.at == datetime(2026, 1, 15, 10, 20, tzinfo=UTC)


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_a_date_or_none(raw: str) -> None:
    found = find_date(raw, "America/New_York")
    assert found is None or found.at.utcoffset() == timedelta(0)


def a_head(jsonld: str = "", meta: str = "") -> str:
    block = f'{{"@type":"NewsArticle","headline":"x","datePublished":"{jsonld}"}}'
    return (
        "<title>Ferry cut</title>"
        + (f'<script type="application/ld+json">{block}</script>' if jsonld else "")
        + (f'<meta property="article:published_time" content="{meta}">' if meta else "")
    )


def test_the_date_of_the_feed_goes_before_all_others() -> None:
    at = SEEN_AT - timedelta(hours=3)
    page = html_of(head=a_head("2026-11-19T08:00:00Z", "2026-11-18T08:00:00Z"))
    found = extracted(page, {"published_at": at, "published_raw": "Fri, 20 Nov 2026 09:00:00 GMT"})
    assert (found.published_at, found.date_source) == (at, "feed")
    losers = found.provenance["published_at"].losers
    assert [one.source for one in losers] == ["jsonld", "meta"]
    assert losers[0].raw == "2026-11-19T08:00:00Z"


def test_jsonld_goes_before_meta_and_meta_before_time() -> None:
    both = extracted(html_of(head=a_head("2026-11-19T08:00:00Z", "2026-11-18T08:00:00Z")))
    assert both.date_source == "jsonld"
    body = '<time datetime="2026-11-17T08:00:00Z">17 Nov</time><p>Text of the ferry.</p>'
    assert extracted(html_of(body, a_head(meta="2026-11-18T08:00Z"))).date_source == "meta"
    alone = extracted(html_of(body))
    assert (alone.date_source, alone.date_precision) == ("time", "second")


@pytest.mark.parametrize("raw", ["2031-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31"])
def test_a_date_nobody_can_believe_gives_way_and_is_kept_raw(raw: str) -> None:
    found = extracted(html_of(head=a_head(raw)), options={"date_search": False})
    assert (found.published_at, found.date_source) == (SEEN_AT, "first_seen_at")
    assert raw in [one.raw or one.value for one in found.provenance["published_at"].losers]
    better = extracted(html_of(head=a_head(raw, "2026-11-18T08:00:00Z")))
    assert (better.date_source, better.published_at) == (
        "meta",
        datetime(2026, 11, 18, 8, tzinfo=UTC),
    )


def test_a_mere_day_takes_the_time_that_another_source_has_for_it() -> None:
    page = html_of(head=a_head("2026-11-19", "2026-11-19T22:30:00+01:00"))
    found = extracted(page, {"timezone": "Europe/Berlin"})
    assert (found.date_source, found.date_precision) == ("meta", "second")
    other = extracted(html_of(head=a_head("2026-11-19", "2026-11-17T22:30:00Z")))
    assert (other.date_source, other.date_precision) == ("jsonld", "day")


def test_a_date_without_zone_is_in_that_of_the_site_and_says_so() -> None:
    page = html_of(head=a_head("2026-11-19T08:00:00"))
    found = extracted(page, {"timezone": "America/New_York"})
    assert found.published_at == datetime(2026, 11, 19, 13, tzinfo=UTC)
    assert found.is_zone_assumed


def test_a_change_is_no_publication() -> None:
    head = (
        a_head(meta="2026-11-18T08:00:00Z")
        + '<meta property="article:modified_time" content="2026-11-19T09:00:00Z">'
    )
    found = extracted(html_of(head=head))
    assert found.published_at == datetime(2026, 11, 18, 8, tzinfo=UTC)
    assert found.modified_at == datetime(2026, 11, 19, 9, tzinfo=UTC)


def test_a_change_before_the_publication_is_not_believed() -> None:
    head = (
        a_head(meta="2026-11-18T08:00:00Z")
        + '<meta property="og:updated_time" content="2026-11-01T09:00:00Z">'
    )
    assert extracted(html_of(head=head)).modified_at is None


def test_a_date_is_looked_for_only_when_nobody_gives_one() -> None:
    body = "<p class='date'>Published on 12 November 2026</p><p>Text of the ferry.</p>"
    found = extracted(html_of(body))
    assert (found.date_source, found.date_precision) == ("heuristic", "day")
    assert found.published_at == datetime(2026, 11, 12, tzinfo=UTC)
    assert extracted(html_of(body), options={"date_search": False}).date_source == "first_seen_at"


@pytest.mark.parametrize(
    ("raw", "at", "zone", "is_assumed"),
    [
        ("Thu,28 Jul 2022 4:35:5 GMT+9", "2022-07-27T19:35:05", "+09:00", False),
        ("2022-07-28T04:35:05+05:30", "2022-07-27T23:05:05", "+05:30", False),
        ("2022-07-28T04:35:05Z", "2022-07-28T04:35:05", "+00:00", False),
        ("2022-07-28T04:35:05−07:00", "2022-07-28T11:35:05", "-07:00", False),
        ("2022-07-28T04:35:05", "2022-07-28T02:35:05", "+02:00", True),
        ("2022-01-28T04:35:05", "2022-01-28T03:35:05", "+01:00", True),
        ("2016/6/29 15:07:41", "2016-06-29T13:07:41", "+02:00", True),
        ("Thu Jul 28 04:35:05 EDT 2022", "2022-07-28T08:35:05", "-04:00", False),
        ("July 28, 2022 3:05 pm ET", "2022-07-28T19:05:00", "-04:00", False),
        ("January 28, 2022 3:05 pm ET", "2022-01-28T20:05:00", "-05:00", False),
        ("28 lipca 2022, 10:30", "2022-07-28T08:30:00", "+02:00", True),
        ("28 июля 2022, 10:00 (MSK)", "2022-07-28T07:00:00", "+03:00", False),
        ("2022年7月28日 10:20", "2022-07-28T08:20:00", "+02:00", True),
        ("2022-07-28T24:00:00Z", "2022-07-29T00:00:00", "+00:00", False),
        ("28 Temmuz 2022 10:30", "2022-07-28T08:30:00", "+02:00", True),
    ],
)
def test_the_zone_is_the_one_written_or_said_to_be_assumed(
    raw: str, at: str, zone: str, is_assumed: bool
) -> None:
    found = find_date(raw, "Europe/Berlin")
    assert found is not None
    assert found.at == datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert (found.zone, found.is_zone_assumed) == (zone, is_assumed)


def test_one_word_for_two_months_is_read_in_the_language_of_the_page() -> None:
    pages = {
        language: html_of(f'<time datetime="2026">x</time>{ARTICLE}', '<meta name="date" content="3 listopada 2026">')
        .replace('lang="en"', f'lang="{language}"')
        for language in ("pl", "hr")
    }  # fmt: skip
    months = {language: extracted(page).published_at for language, page in pages.items()}
    assert [at.month if at else None for at in months.values()] == [11, 10]


def test_a_document_keeps_the_offsets_of_both_dates() -> None:
    head = (
        a_head("2026-11-18T08:00:00+01:00")
        + '<meta property="article:modified_time" content="2026-11-19T09:30">'
    )
    found = extracted(html_of(head=head), {"timezone": "America/New_York"})
    assert (found.date_zone, found.date_precision, found.is_zone_assumed) == (
        "+01:00",
        "second",
        False,
    )
    assert found.modified_at == datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
    assert (found.modified_source, found.modified_precision) == ("meta", "minute")
    assert (found.modified_zone, found.is_modified_zone_assumed) == ("-05:00", True)
    assert found.provenance["modified_at"].why == "no zone given, UTC assumed"  # fmt: skip


def test_the_offset_of_the_feed_is_kept_and_a_missing_one_is_said_to_be_assumed() -> None:
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    raw = "Fri, 20 Nov 2026 10:00:00 +0100"
    found = extracted(html_of(), {"published_at": at, "published_raw": raw})
    assert (found.published_at, found.date_zone, found.is_zone_assumed) == (at, "+01:00", False)
    bare = {"published_at": at, "published_raw": "20 Nov 2026 09:00", "is_zone_assumed": True}
    unknown = extracted(html_of(), bare)
    assert (unknown.published_at, unknown.date_zone, unknown.is_zone_assumed) == (
        at,
        "+00:00",
        True,
    )
    assert unknown.date_precision == "minute"
    zoned = extracted(html_of(), bare | {"timezone": "Europe/Berlin"})
    assert zoned.published_at == at - timedelta(hours=1)
    assert (zoned.date_zone, zoned.is_zone_assumed) == ("+01:00", True)


def test_midnight_gives_way_to_a_time_on_the_same_day() -> None:
    page = html_of(head=a_head("2026-11-19T00:00:00+01:00", "2026-11-19T14:05:00+01:00"))
    found = extracted(page, {"timezone": "Europe/Berlin"})
    assert (found.date_source, found.published_at) == (
        "meta",
        datetime(2026, 11, 19, 13, 5, tzinfo=UTC),
    )
    assert "has only the day" in found.provenance["published_at"].why
    alone = extracted(html_of(head=a_head("2026-11-19T00:00:00+01:00")))
    assert (alone.date_source, alone.date_precision) == ("jsonld", "second")


def test_the_reason_tells_what_was_refused_and_where_sources_differ() -> None:
    refused = extracted(html_of(head=a_head("2031-01-01T00:00:00Z", "2026-11-18T08:00:00Z")))
    assert "jsonld is after the article was seen" in refused.provenance["published_at"].why
    differ = extracted(html_of(head=a_head("2026-11-18T08:00:00Z", "2026-11-10T08:00:00Z")))
    assert "meta differs by 8 days" in differ.provenance["published_at"].why
    none = extracted(html_of(), options={"date_search": False})
    assert none.provenance["published_at"].why == "no source has a date"


@pytest.mark.parametrize(
    "dateline",
    [
        "PORT ELSIN, 3 March 2019 (Reuters) –",
        "<strong>PORT ELSIN</strong>, March 3, 2019 —",
        "Elsin, 3. März 2019 (dpa) –",
        "ELSIN, le 3 mars 2019 –",
        "ROMA, 3 marzo 2019 -",
    ],
)
def test_a_dateline_is_no_date_of_publication(dateline: str) -> None:
    found = extracted(html_of(f"<p>{dateline} {PARAGRAPHS[0]}</p>{ARTICLE}"))
    assert found.published_at == SEEN_AT
    assert found.date_source == "first_seen_at"
    later = f"<p>Published on 12 November 2026</p><p>{dateline} {PARAGRAPHS[0]}</p>{ARTICLE}"
    assert extracted(html_of(later)).published_at == datetime(2026, 11, 12, tzinfo=UTC)


def test_a_date_found_by_search_is_bounded_anew_for_each_page() -> None:
    body = f"<p class='date'>Published on 25 November 2026</p>{ARTICLE}"
    early = extracted(html_of(body))
    assert early.date_source == "first_seen_at"
    late = extracted(html_of(body), {"first_seen_at": SEEN_AT + timedelta(days=7)},
                     fetched_at=SEEN_AT + timedelta(days=7))  # fmt: skip
    assert late.published_at == datetime(2026, 11, 25, tzinfo=UTC)


def test_a_heuristic_date_never_beats_the_feed() -> None:
    body = f"<p class='date'>Published on 12 November 2026</p>{ARTICLE}"
    at = SEEN_AT - timedelta(hours=2)
    found = extracted(html_of(body), {"published_at": at, "published_raw": "20 Nov 2026 10:00 GMT"})
    assert (found.published_at, found.date_source) == (at, "feed")


def test_a_change_is_believed_where_nobody_names_the_publication() -> None:
    head = '<title>x</title><meta property="article:modified_time" content="2026-11-19T09:00:00Z">'
    found = extracted(html_of(head=head), options={"date_search": False})
    assert (found.date_source, found.modified_at) == (
        "first_seen_at",
        datetime(2026, 11, 19, 9, tzinfo=UTC),
    )


TIME = '<time datetime="{}" {}>x</time>'
OWN = TIME.format("2026-11-12T08:00:00Z", "")


@pytest.mark.parametrize(
    "page",
    [
        html_of(OWN + ARTICLE),
        html_of(TIME.format("2026-11-19T09:00:00Z", 'itemprop="dateModified"') + OWN + ARTICLE),
        html_of(TIME.format("2026-11-19T09:00:00Z", 'class="entry updated"') + OWN + ARTICLE),
        html_of(
            TIME.format("2026-11-19T09:00:00Z", "") + OWN.replace(">x", " pubdate>x") + ARTICLE
        ),
        html_of(OWN + ARTICLE).replace("<nav>", "<nav>" + TIME.format("2026-11-20T11:59:00Z", "")),
        html_of(OWN + ARTICLE).replace(
            "<nav>", "<header>" + TIME.format("2026-11-20T11:59:00Z", "") + "</header><nav>"
        ),
        html_of(OWN + ARTICLE).replace(
            "<article>", "<aside>" + TIME.format("2026-11-18T11:59:00Z", "") + "</aside><article>"
        ),
    ],
)
def test_the_time_of_the_article_counts_and_no_other_on_the_page(page: str) -> None:
    found = extracted(page)
    assert (found.date_source, found.published_at) == (
        "time",
        datetime(2026, 11, 12, 8, tzinfo=UTC),
    )


def test_a_time_that_is_marked_as_a_change_is_one() -> None:
    page = html_of(TIME.format("2026-11-19T09:00:00Z", 'itemprop="dateModified"') + OWN + ARTICLE)
    found = extracted(page)
    assert (found.modified_source, found.modified_at) == (
        "time",
        datetime(2026, 11, 19, 9, tzinfo=UTC),
    )


def test_the_only_time_of_a_page_may_be_called_updated_but_not_modified() -> None:
    alone = extracted(html_of(TIME.format("2026-11-12T08:00:00Z", 'class="updated"') + ARTICLE))
    assert (alone.date_source, alone.published_at) == (
        "time",
        datetime(2026, 11, 12, 8, tzinfo=UTC),
    )
    marked = html_of(TIME.format("2026-11-12T08:00:00Z", 'itemprop="dateModified"') + ARTICLE)
    strict = extracted(marked, options={"date_search": False})
    assert strict.date_source == "first_seen_at"
    assert strict.modified_at == datetime(2026, 11, 12, 8, tzinfo=UTC)
