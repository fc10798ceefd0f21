"""Feeds of very many items are read in pieces, and nothing of them changes by it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from ingest.polling.entries.new_entries import MAX_DOCUMENT_ENTRIES, newest_numbers, newest_of
from ingest.sources.feeds.feed_items import ITEMS_A_PIECE, SHORT_CHARACTERS, only_chosen, pieces_of
from ingest.sources.feeds.parse_feed import parse_feed

URL = "http://elsin-courier.example/feeds/all"
FILL = "x" * (SHORT_CHARACTERS // ITEMS_A_PIECE)


def rss(count: int, extra: str = "") -> str:
    items = "".join(
        f"<item><title>Row {number}</title><link>/row/{number}</link>"
        f"<description><![CDATA[</item><item>{FILL}]]></description>{extra}</item>\n"
        for number in range(count)
    )
    return (
        '<rss version="2.0"><channel><title>Elsin Courier</title><link>/</link>'
        f"{items}<ttl>45</ttl></channel></rss>"
    )


def test_every_piece_is_a_document_with_the_head_and_the_end() -> None:
    pieces = list(pieces_of(rss(2 * ITEMS_A_PIECE + 1)))
    assert [piece.count("<title>Row ") for piece in pieces] == [ITEMS_A_PIECE, ITEMS_A_PIECE, 1]
    assert all(piece.startswith("<rss ") for piece in pieces)
    assert all(piece.endswith("<ttl>45</ttl></channel></rss>") for piece in pieces)


def test_a_long_feed_has_the_same_entries_in_pieces() -> None:
    count = 2 * ITEMS_A_PIECE + 1
    found = parse_feed(rss(count).encode(), URL)
    assert [entry.title for entry in found.entries] == [f"Row {number}" for number in range(count)]
    assert found.entries[-1].link == f"http://elsin-courier.example/row/{count - 1}"
    assert found.entries[0].summary == f"</item><item>{FILL}"
    assert (found.title, found.ttl_minutes, found.oddities) == ("Elsin Courier", 45, {})


def test_an_item_outside_its_channel_is_cut_too() -> None:
    items = "".join(
        f'<item rdf:about="/row/{number}"><title>Row {number}</title><d>{FILL}</d></item>'
        for number in range(ITEMS_A_PIECE + 5)
    )
    document = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns="http://purl.org/rss/1.0/"><channel><title>T</title></channel>{items}</rdf:RDF>'
    )
    assert len(list(pieces_of(document))) == 2
    found = parse_feed(document.encode(), URL)
    assert (found.format, len(found.entries)) == ("RSS 1.0", ITEMS_A_PIECE + 5)


@pytest.mark.parametrize(
    "document",
    [
        rss(10),
        rss(ITEMS_A_PIECE + 5, extra="<item><title>inner</title></item>"),
        rss(ITEMS_A_PIECE + 5)[:-60],
        rss(ITEMS_A_PIECE + 5).replace("<title>Row 7<", "</item><title>Row 7<"),
        "<rss>" + "x" * (SHORT_CHARACTERS + 1),
    ],
)
def test_a_short_or_irregular_document_is_not_split(document: str) -> None:
    assert list(pieces_of(document)) == [document]


def test_a_fault_in_one_piece_is_a_fault_of_the_document() -> None:
    document = rss(2 * ITEMS_A_PIECE).replace("<title>Row 1500</title>", "<title>Row 1500")
    found = parse_feed(document.encode(), URL)
    assert len(found.entries) == 2 * ITEMS_A_PIECE
    assert found.oddities == {"xml_SAXParseException": 1}


@pytest.mark.parametrize(
    ("date", "raw"),
    [
        ("<pubDate>Fri, 20 Nov 2026 09:00:00 GMT</pubDate>", "Fri, 20 Nov 2026 09:00:00 GMT"),
        ("<pubDate><![CDATA[ 2026-11-20 ]]></pubDate>", "2026-11-20"),
        ("<dc:date xml:lang='en'>2026-11-20</dc:date>", "2026-11-20"),
        ("<updated>2026-11-21</updated><published>2026-11-20</published>", "2026-11-20"),
        ("<atom:updated>2026-11-21</atom:updated>", "2026-11-21"),
        ("<pubDate/><dateline>2026</dateline>", ""),
    ],
)
def test_items_are_chosen_by_their_raw_dates(date: str, raw: str) -> None:
    count = ITEMS_A_PIECE + 5
    seen: list[str] = []

    def choose(dates: Sequence[str]) -> Sequence[int]:
        seen.extend(dates)
        return [0, 7, count - 1]

    text, left_out = only_chosen(rss(count, extra=date), choose)
    assert seen == [raw] * count
    assert left_out == count - 3
    found = parse_feed(text.encode(), URL)
    assert [entry.title for entry in found.entries] == ["Row 0", "Row 7", f"Row {count - 1}"]
    assert found.ttl_minutes == 45


def test_all_items_of_a_short_document_are_read() -> None:
    assert only_chosen(rss(10), lambda dates: list(range(len(dates)))) == (rss(10), 0)


@pytest.mark.slow
def test_the_newest_are_the_same_whether_chosen_before_or_after_parsing() -> None:
    days = list(range(MAX_DOCUMENT_ENTRIES + 1_000))
    random.Random(3).shuffle(days)
    items = "".join(
        f"<item><title>Row {day}</title><link>/row/{day}</link>"
        + (
            f"<pubDate>{datetime(2010, 1, 1) + timedelta(days=day):%d %b %Y}</pubDate>"
            * (day % 9 > 0)
        )
        + "</item>"
        for day in days
    )
    body = f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()
    after = newest_of(parse_feed(body, URL))
    before = newest_of(parse_feed(body, URL, choose=newest_numbers))
    assert {entry.title for entry in before.entries} == {entry.title for entry in after.entries}
    assert (len(before.entries), before.left_out) == (MAX_DOCUMENT_ENTRIES, 1_000)
