"""What is remembered of feeds, who is due, and whose partitions are whose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ingest.errors import WireError
from ingest.model import Feed
from ingest.polling.document.answers import OutageWatch
from ingest.polling.schedule.due_queue import DueQueue
from ingest.polling.schedule.rate import seeded
from ingest.polling.state.feed_state import (
    FeedState,
    PollNote,
    Slot,
    decode_state,
    encode_state,
    feed_health,
    with_note,
)
from ingest.polling.state.owned_feeds import OwnedFeeds
from ingest.polling.state.state_table import PartitionRestored

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_a_state_comes_back_as_it_was_written() -> None:
    state = FeedState(
        feed_id="courier",
        configured_url="http://elsin-courier.example/feed",
        etag=b'W/"\xff"',
        pending={"0011223344556677": 1_700_000_000_000},
        next_poll_at=NOW,
        rate=seeded([NOW], NOW),
        skip_hours=(1, 2),
    )
    assert decode_state(encode_state(state)) == state


def test_fields_of_another_version_survive() -> None:
    data = b'{"feed_id":"courier","etag":"IjEi","mood":{"of":"tomorrow"}}'
    state = msgspec.structs.replace(decode_state(data), etag=b'"2"')
    written = msgspec.json.decode(encode_state(state))
    assert written["mood"] == {"of": "tomorrow"}
    assert decode_state(encode_state(state)).etag == b'"2"'


@pytest.mark.parametrize("data", [b"", b"[]", b'{"feed_id":1}', b"\xff"])
def test_a_broken_state_is_an_error_that_names_its_origin(data: bytes) -> None:
    with pytest.raises(WireError, match=r"news\.feed-state/0/7"):
        decode_state(data, "news.feed-state/0/7")


def test_the_history_keeps_ten_polls() -> None:
    state = FeedState(feed_id="courier")
    for minute in range(15):
        state = with_note(state, PollNote(at=NOW + timedelta(minutes=minute), outcome="new"))
    assert [note.at.minute for note in state.recent_polls] == list(range(5, 15))
    assert len(encode_state(state)) < 2_048


@pytest.mark.parametrize(
    ("state", "health"),
    [
        (FeedState(feed_id="a"), "healthy"),
        (FeedState(feed_id="a", failure_score=0.5), "failing"),
        (FeedState(feed_id="a", gone_since_at=NOW, failure_score=1), "gone"),
        (FeedState(feed_id="a", retry_after_until_at=NOW + timedelta(hours=1)), "resting"),
        (FeedState(feed_id="a", retry_after_until_at=NOW - timedelta(hours=1)), "healthy"),
        (FeedState(feed_id="a", last_error_class="robots_disallowed"), "robots"),
        (FeedState(feed_id="a", duplicate_of="b"), "duplicate"),
    ],
)
def test_one_word_tells_how_a_feed_is(state: FeedState, health: str) -> None:
    assert feed_health(state, is_enabled=True, now=NOW) == health
    assert feed_health(state, is_enabled=False, now=NOW) == "disabled"


def test_one_host_has_one_poll_at_a_time_and_holds_up_nobody() -> None:
    queue = DueQueue()
    for number in range(3):
        queue.put(f"slow-{number}", "slow.example", NOW + timedelta(seconds=number))
    queue.put("other", "other.example", NOW + timedelta(seconds=9))
    later = NOW + timedelta(minutes=1)
    assert queue.take(later) == ("slow-0", "slow.example", NOW)
    assert queue.take(later) == ("other", "other.example", NOW + timedelta(seconds=9))
    assert queue.take(later) is None
    queue.release("slow.example")
    assert queue.take(later) == ("slow-1", "slow.example", NOW + timedelta(seconds=1))
    queue.remove("slow-2")
    queue.release("slow.example")
    assert queue.take(later) is None
    queue.put("slow-3", "slow.example", NOW)
    assert queue.take(later) == ("slow-3", "slow.example", NOW)


def test_a_ready_feed_that_goes_away_lets_the_next_one_of_its_host_pass() -> None:
    queue = DueQueue()
    for number in range(3):
        queue.put(f"feed-{number}", "slow.example", NOW)
    assert queue.take(NOW)
    assert queue.take(NOW) is None
    queue.release("slow.example")
    queue.remove("feed-1")
    assert queue.take(NOW) == ("feed-2", "slow.example", NOW)


def test_planning_a_feed_anew_replaces_its_place() -> None:
    queue = DueQueue()
    queue.put("feed", "a.example", NOW)
    queue.put("feed", "a.example", NOW + timedelta(hours=1))
    assert queue.take(NOW) is None
    assert queue.next_due() == NOW + timedelta(hours=1)


def test_an_outage_of_our_own_is_noticed_over_twenty_domains() -> None:
    watch = OutageWatch()
    for number in range(40):
        watch.note(f"site-{number}.example", was_reached=True, now=NOW)
    for number in range(19):
        watch.note(f"site-{number}.example", was_reached=False, now=NOW + timedelta(minutes=4))
    assert not watch.is_frozen
    for number in range(41):
        watch.note(f"site-{number}.example", was_reached=False, now=NOW + timedelta(minutes=4))
    assert watch.is_frozen
    watch.note("site-1.example", was_reached=True, now=NOW + timedelta(minutes=20))
    assert not watch.is_frozen


def a_feed(id: str, url: str) -> Feed:
    return Feed(id=id, url=url, publisher="Elsin Courier")


def restored(partition: int, *states: FeedState, epoch: int = 1) -> PartitionRestored:
    slots = {state.feed_id: Slot(state) for state in states}
    return PartitionRestored(partition, epoch, slots, set())


def test_only_feeds_of_owned_partitions_are_ours() -> None:
    feeds = {f"f{n}": a_feed(f"f{n}", f"http://site-{n}.example/feed") for n in range(40)}
    owned = OwnedFeeds(lambda: feeds, 4)
    assert owned.reload()
    assert not owned.reload()
    ours = owned.add_partition(restored(1))
    assert 0 < len(ours) < 40
    assert {feed.id for feed, _ in owned.polled()} == set(ours)
    assert all(owned.hold_of(feed_id) for feed_id in ours)
    assert sorted(owned.remove_partition(1)) == sorted(ours)
    assert not owned.hold_of(ours[0])


def test_a_partition_that_comes_back_is_another_hold() -> None:
    feeds = {"f": a_feed("f", "http://site.example/feed")}
    owned = OwnedFeeds(lambda: feeds, 1)
    owned.reload()
    owned.add_partition(restored(0))
    before = owned.hold_of("f")
    owned.remove_partition(0)
    owned.add_partition(restored(0, epoch=2))
    assert owned.hold_of("f") != before


def test_the_state_of_a_removed_feed_is_kept_for_a_month() -> None:
    url = "http://site.example/feed"
    state = FeedState(feed_id="f", configured_url=url, last_poll_at=NOW)
    current: list[dict[str, Feed]] = [{"f": a_feed("f", url)}]
    owned = OwnedFeeds(lambda: current[0], 1)
    owned.reload()
    owned.add_partition(restored(0, state))
    current[0] = {}
    owned.reload()
    assert owned.take_orphans(NOW + timedelta(days=29)) == []
    assert owned.take_orphans(NOW + timedelta(days=31)) == [("f", "site.example")]
    assert owned.take_orphans(NOW + timedelta(days=31)) == []


def test_a_feed_that_moves_to_another_domain_leaves_a_tombstone_behind() -> None:
    current = [{"f": a_feed("f", "http://one.example/feed")}]
    owned = OwnedFeeds(lambda: current[0], 64)
    owned.reload()
    for partition in range(64):
        owned.add_partition(restored(partition))
    owned.slots["f"].put(FeedState(feed_id="f", configured_url="http://one.example/feed"))
    current[0] = {"f": a_feed("f", "http://two.example/feed")}
    owned.reload()
    assert owned.take_orphans(NOW) == [("f", "one.example")]
    assert owned.slots["f"].state == FeedState(feed_id="f")
