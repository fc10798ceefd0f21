"""What is new in a feed document, and under which name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from ingest.identity import entry_id
from ingest.model import Feed
from ingest.polling.entries.new_entries import MAX_UPDATES, Found, find_entries
from ingest.polling.state.seen_keys import (
    MAX_LINKS,
    MAX_ROWS,
    SeenKeys,
    SeenRow,
    are_near,
    packed,
    short_hash,
    sketch_of,
)
from ingest.ports import ParsedFeed, SourceEntry
from ingest.wire import decode, encode

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FEED = Feed(id="courier", url="http://elsin-courier.example/feed", publisher="Elsin Courier")
LONG = (
    "The council of Port Elsin met on Thursday evening to talk about the old sea wall, which "
    "broke in the storm of last week, and about who is to pay for a new one."
)


def listed(name: str = "flood", **changes: Any) -> SourceEntry:
    fields: dict[str, Any] = {
        "guid": f"guid-{name}",
        "link": f"http://elsin-courier.example/a/{name}",
        "title": f"The {name} of Port Elsin",
        "summary": f"{LONG} So says {name}.",
        "published_raw": "Fri, 20 Nov 2026 09:00:00 GMT",
    }
    return SourceEntry(**(fields | changes))


def document(*entries: SourceEntry, **changes: Any) -> ParsedFeed:
    return ParsedFeed(
        **(
            {"format": "RSS 2.0", "entries": entries, "link": "http://elsin-courier.example/"}
            | changes
        )
    )


def find(
    parsed: ParsedFeed, seen: SeenKeys | None = None, feed: Feed = FEED, **changes: Any
) -> Found:
    options: dict[str, Any] = {"mode": "guid", "pending": {}, "max_new": 2_000, "now": NOW}
    return find_entries(feed, parsed, seen, **(options | changes))


def after(*entries: SourceEntry, **changes: Any) -> SeenKeys:
    keys = find(document(*entries), **changes).keys
    assert keys is not None
    return keys


def test_every_entry_of_a_first_document_is_new() -> None:
    found = find(document(listed("flood"), listed("bridge")))
    assert [entry.change for entry in found.entries] == ["new", "new"]
    assert found.entries[0].id == entry_id("courier", "guid-flood")
    assert found.entries[0].first_seen_at == NOW
    assert (found.new_count, found.known_count, found.is_overflow) == (2, 0, False)


def test_a_known_entry_is_not_sent_and_changes_no_keys() -> None:
    found = find(document(listed()), after(listed()))
    assert not found.entries
    assert found.keys is None


def test_guids_that_turn_from_http_to_https_bring_nothing_new() -> None:
    names = ("flood", "bridge", "market")
    old = [listed(n, guid=f"http://h.example/{n}", link=f"http://h.example/{n}") for n in names]
    new = [listed(n, guid=f"https://h.example/{n}", link=f"https://h.example/{n}") for n in names]
    found = find(document(*new), after(*old))
    assert not found.entries
    assert found.known_count == 3
    assert find(document(*new), found.keys).keys is None


def test_an_edited_slug_is_sent_with_the_address_it_had() -> None:
    moved = listed(link="http://elsin-courier.example/a/flood-in-elsin")
    (entry,) = find(document(moved), after(listed())).entries
    assert entry.change == "updated"
    assert entry.previous_url == "http://elsin-courier.example/a/flood"


def test_a_new_guid_and_slug_over_the_same_text_is_known_by_its_title() -> None:
    moved = listed(guid="other", link="http://elsin-courier.example/b/9")
    found = find(document(moved), after(listed()))
    assert (found.new_count, found.updated_count) == (0, 1)
    assert found.entries[0].previous_url


def test_a_column_with_a_fixed_title_stays_two_entries() -> None:
    first = listed(title="The morning briefing")
    second = listed(
        "other",
        title="The morning briefing",
        summary="Quite another text about trains, and why they were late again in the north.",
    )
    assert find(document(second), after(first)).new_count == 1
    assert find(document(first, second)).new_count == 2


def test_a_changed_text_is_sent_again_with_its_first_sight() -> None:
    later = NOW + timedelta(hours=3)
    changed = listed(summary="The wall broke.")
    (entry,) = find(document(changed), after(listed()), now=later).entries
    assert (entry.change, entry.first_seen_at) == ("updated", NOW)


def test_an_entry_that_tells_the_time_is_sent_again_only_so_often() -> None:
    seen, sent = after(listed()), 0
    for minute in range(60):
        found = find(document(listed(summary=f"It is {minute} past.")), seen)
        sent += len(found.entries)
        seen = found.keys or seen
    assert sent == MAX_UPDATES


def test_updates_can_be_ignored() -> None:
    feed = replace(FEED, ignore_entry_updates=True)
    assert not find(document(listed(summary="Other.")), after(listed()), feed).entries


def test_an_entry_that_was_pending_keeps_its_first_sight() -> None:
    earlier = NOW - timedelta(days=20)
    name = short_hash("guid-flood").hex()
    found = find(document(listed()), pending={name: int(earlier.timestamp() * 1000)})
    assert found.entries[0].first_seen_at == earlier
    assert found.first_seen == {name: int(earlier.timestamp() * 1000)}


@pytest.mark.parametrize("guid", ["", "always-the-same"])
def test_bad_guids_lose_no_entry_and_are_remembered(guid: str) -> None:
    entries = [listed(str(number), guid=guid) for number in range(10)]
    found = find(document(*entries))
    assert found.new_count == 10
    assert found.mode == "link_date"
    again = find(document(*entries), found.keys, mode=found.mode)
    assert not again.entries


def test_one_link_for_all_entries_needs_their_titles() -> None:
    entries = [listed(str(n), guid="", link="http://h.example/live") for n in range(10)]
    found = find(document(*entries))
    assert (found.mode, found.new_count) == ("link_date_title", 10)
    assert not find(document(*entries), found.keys, mode=found.mode).entries


def test_one_repeated_guid_among_many_does_not_change_the_mode() -> None:
    entries = [listed(str(number)) for number in range(60)]
    entries += [listed("a", guid="twice"), listed("b", guid="twice")]
    found = find(document(*entries))
    assert (found.mode, found.new_count) == ("guid", 62)


def test_an_entry_listed_twice_counts_once() -> None:
    found = find(document(listed(), listed(), *[listed(str(n)) for n in range(60)]))
    assert found.new_count == 61
    assert found.oddities["entry_repeated"] == 1


def test_a_sitemap_has_no_guids_and_is_named_by_its_links() -> None:
    entries = [listed(str(number), guid="") for number in range(3)]
    assert find(document(*entries, format="news sitemap")).mode == "guid"


def test_an_entry_without_a_usable_link_is_rejected_once() -> None:
    bad = document(listed(link=""), listed("b", link="http://h.example/" + "x" * 3_000))
    found = find(bad)
    assert [verdict.reason for verdict in found.rejects] == ["entry_without_link", "link_too_long"]
    again = find(bad, found.keys)
    assert not again.rejects
    assert not again.entries


@pytest.mark.parametrize(
    "link", ["http://elsin-courier.example/", "https://h.example", "http://h.example/#top"]
)
def test_the_home_page_is_no_article(link: str) -> None:
    found = find(document(listed(link=link)))
    assert [verdict.reason for verdict in found.drops] == ["link_is_home_page"]


def test_other_sites_can_be_left_out() -> None:
    feed = replace(FEED, same_site_only=True)
    found = find(document(listed(), listed("ad", link="http://shop.example/ad")), feed=feed)
    assert [verdict.reason for verdict in found.drops] == ["other_site"]
    assert len(found.entries) == 1


def test_a_future_date_is_the_first_sight_and_its_text_is_kept() -> None:
    raw = "Fri, 20 Nov 2026 23:00:00 GMT"
    (entry,) = find(document(listed(published_raw=raw))).entries
    assert entry.published_at == NOW
    assert entry.published_raw == raw


def test_the_newest_come_first_and_the_rest_waits_for_the_next_poll() -> None:
    entries = [
        listed(str(hour), published_raw=f"Fri, 20 Nov 2026 {hour:02d}:00:00 GMT")
        for hour in range(10)
    ]
    found = find(document(*entries), max_new=4)
    assert [entry.url_published[-1] for entry in found.entries] == ["9", "8", "7", "6"]
    assert found.left_behind == 6
    second = find(document(*entries), found.keys, max_new=4)
    assert [entry.url_published[-1] for entry in second.entries] == ["5", "4", "3", "2"]


@pytest.mark.slow
def test_only_the_newest_3000_of_a_document_count() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    entries = [
        listed(str(n), published_raw=(start + timedelta(minutes=n)).isoformat())
        for n in range(5_000)
    ]
    first = find(document(*entries))
    assert (first.new_count, first.left_behind, first.beyond_cap) == (2_000, 1_000, 2_000)
    second = find(document(*entries), first.keys)
    assert (second.new_count, second.left_behind) == (1_000, 0)
    assert not set(first.entries) & set(second.entries)
    assert not find(document(*entries), second.keys).entries


def test_a_document_without_one_known_entry_is_an_overflow() -> None:
    seen = after(listed("a"), listed("b"))
    assert find(document(listed("c"), listed("d")), seen).is_overflow
    assert not find(document(listed("c"), listed("b")), seen).is_overflow


def test_lone_surrogates_do_not_reach_the_log() -> None:
    (entry,) = find(document(listed(title="flood \ud800 of"))).entries
    assert entry.title == "flood  of"


def test_keys_stay_under_a_quarter_of_a_megabyte() -> None:
    rows = [
        SeenRow(*[short_hash(f"{field}{n}") for field in "abcde"], n, 0, 20_000)
        for n in range(6_000)
    ]
    links = {row.key.hex(): "http://elsin-courier.example/a/" + "x" * 60 for row in rows}
    kept = packed("courier", rows[:10], rows[10:], links, 20_000)
    assert len(encode(kept)) < 256 * 1024
    assert len(kept.unpacked()) == MAX_ROWS
    assert len(kept.links) == MAX_LINKS
    assert decode(encode(kept), SeenKeys) == kept


def test_keys_of_entries_long_gone_are_forgotten() -> None:
    old = SeenRow(*[short_hash(field) for field in "abcde"], 1, 0, 20_000)
    assert packed("courier", [], [old], {}, 20_030).unpacked() == [old]
    assert packed("courier", [], [old], {}, 20_031).unpacked() == []


def test_near_texts_have_near_sketches() -> None:
    assert are_near(sketch_of(LONG), sketch_of(f"<p>{LONG}</p> Updated."))
    other = "A goat won the race of the farmers in Lower Marsh, to the surprise of its owner."
    assert not are_near(sketch_of(LONG), sketch_of(other))
    assert not are_near(sketch_of("short"), sketch_of("short"))


def test_a_text_has_one_sketch_whatever_stands_between_its_words() -> None:
    # Text of ASCII alone is taken apart in a quicker way.
    assert sketch_of(LONG) == sketch_of(LONG.upper()) == sketch_of(f"\t{LONG}\x1f")
    assert sketch_of(LONG) == sketch_of(LONG.replace(" ", " — ", 3))
    assert sketch_of(LONG) != sketch_of(LONG.replace(" ", "_", 3))
