"""Leaving out the known entries of a feed yields the same result as parsing all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.model import Entry
from ingest.polling.entries.new_entries import Found, find_entries, must_be_whole
from ingest.polling.state.seen_keys import SeenKeys
from ingest.ports import NOTHING_KNOWN, ParsedFeed
from ingest.sources.feeds.parse_feed import parse_feed
from ingest.wire import decode, encode
from tests.unit.polling_rig import a_feed

FEED = a_feed()
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Item(NamedTuple):
    """An item of a feed: a small number for each part, so that parts repeat."""

    guid: int
    link: int
    text: int
    hour: int

    def xml(self) -> str:
        guid = f"<guid>story-{self.guid}</guid>" if self.guid else ""
        date = f"<pubDate>Fri, 20 Nov 2026 {self.hour:02}:00:00 GMT</pubDate>" if self.hour else ""
        return (
            f"<item><title>The bridge of Port Elsin, part {self.text}</title>{guid}{date}"
            f"<link>http://harbour-times.example/a/{self.link}</link>"
            f"<description>What was said of part {self.text} and of nothing else.</description>"
            "</item>"
        )


ITEM_TEXTS = st.integers(1, 14)
ITEM_HOURS = st.integers(1, 9)
ITEMS = st.builds(
    Item,
    guid=st.sampled_from([*range(1, 13), 0]),
    link=st.integers(1, 14),
    text=ITEM_TEXTS,
    hour=st.sampled_from([*range(1, 9), 0]),
)
STANDING = st.lists(
    st.builds(
        Item, guid=st.integers(6, 24), link=st.integers(8, 20), text=ITEM_TEXTS, hour=ITEM_HOURS
    ),
    min_size=6,
    max_size=8,
    unique_by=lambda item: item.guid,
)
DOCUMENTS = st.lists(st.lists(ITEMS, min_size=1, max_size=8), min_size=2, max_size=4)


def document(items: list[Item]) -> bytes:
    listed = "".join(item.xml() for item in items)
    return f'<rss version="2.0"><channel><title>Times</title>{listed}</channel></rss>'.encode()


def found_in(body: bytes, keys: SeenKeys | None, mode: str, now: datetime, *, whole: bool) -> Found:
    """Return what a poll finds, reading the document whole or only what is new of it."""
    known = keys.known_items() if keys and mode == "guid" and not whole else NOTHING_KNOWN
    parsed = parse_feed(body, FEED.url, "", known)
    if keys is not None and must_be_whole(parsed, keys):
        parsed = parse_feed(body, FEED.url, "")
    return find_entries(FEED, parsed, keys, mode=mode, pending={}, max_new=100, now=now)


def summary(found: Found) -> tuple[object, ...]:
    """Return what is seen of a poll from outside, in no order."""
    entries = sorted(found.entries, key=lambda entry: entry.id)
    rejects = sorted(verdict.entry.id for verdict in found.rejects)
    counts = (found.new_count, found.updated_count, found.known_count, found.window_size)
    return (entries, rejects, counts, found.mode, found.is_overflow, found.left_behind)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(DOCUMENTS, STANDING)
def test_both_ways_send_the_same(rounds: list[list[Item]], standing: list[Item]) -> None:
    keys: dict[bool, SeenKeys | None] = {True: None, False: None}
    mode = {True: "guid", False: "guid"}
    for number, items in enumerate(rounds):
        body = document(items + standing)
        now = NOW + timedelta(hours=number)
        both = {}
        for whole in (True, False):
            found = both[whole] = found_in(body, keys[whole], mode[whole], now, whole=whole)
            mode[whole] = found.mode
            if found.keys is not None:
                keys[whole] = decode(encode(found.keys), SeenKeys)
        assert summary(both[True]) == summary(both[False])


def standing_items() -> list[Item]:
    return [Item(number, number, number, number) for number in range(1, 9)]


def test_after_one_new_entry_only_that_one_is_read() -> None:
    first = find_entries(
        FEED, parsed_of(standing_items()), None, mode="guid", pending={}, max_new=100, now=NOW
    )
    assert first.keys is not None
    items = [Item(9, 9, 9, 9), *standing_items()]
    parsed = parse_feed(document(items), FEED.url, "", first.keys.known_items())
    assert [entry.guid for entry in parsed.entries] == ["story-9"]
    assert len(parsed.known) == 8


def test_keys_of_an_earlier_version_read_everything_once_more() -> None:
    found = find_entries(
        FEED, parsed_of(standing_items()), None, mode="guid", pending={}, max_new=100, now=NOW
    )
    assert found.keys is not None
    old = msgspec.structs.replace(found.keys, sources=b"", context=b"")
    assert old.known_items() == NOTHING_KNOWN
    again = found_in(document(standing_items()), old, "guid", NOW, whole=False)
    assert (again.new_count, again.known_count) == (0, 8)


def test_an_entry_with_the_name_of_one_that_stands_is_judged_beside_it() -> None:
    first = found_in(document(standing_items()), None, "guid", NOW, whole=True)
    items = [Item(3, 20, 20, 9), *standing_items()]
    both: list[list[Entry]] = []
    for whole in (True, False):
        found = found_in(document(items), first.keys, "guid", NOW, whole=whole)
        both.append(sorted(found.entries, key=lambda entry: entry.id))
    assert both[0] == both[1]


def parsed_of(items: list[Item]) -> ParsedFeed:
    return parse_feed(document(items), FEED.url)
