"""What a poller holds of a feed is small while the feed rests, and says the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ingest.errors import WireError
from ingest.model import Feed
from ingest.polling.schedule.rate import Rate
from ingest.polling.state.feed_state import (
    FeedState,
    PollNote,
    Slot,
    encode_state,
    feed_health,
    with_note,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FEED = Feed(id="courier", url="http://courier.example/feed", publisher="Courier")


def a_state(**changes: Any) -> FeedState:
    fields: dict[str, Any] = {
        "feed_id": "courier",
        "configured_url": FEED.url,
        "etag": b'"\xff1"',
        "pending": {"0123456789abcdef": 1},
        "rate": Rate(entries=10.0, hours=4.0, updated_at=NOW),
        "interval_seconds": 1200.0,
    }
    return FeedState(**(fields | changes))


def test_a_slot_gives_back_what_it_was_given() -> None:
    state = a_state(unknown={"later": [1]})
    slot = Slot(state, b"keys of the courier" * 20)
    slot.rest()
    assert slot.state == state
    assert slot.keys == b"keys of the courier" * 20
    slot.wake()
    assert slot.state is slot.state
    slot.put(a_state(interval_seconds=5.0))
    slot.rest()
    slot.rest()
    assert slot.state == a_state(interval_seconds=5.0)


def test_a_record_of_another_version_keeps_its_fields() -> None:
    data = encode_state(a_state())[:-1] + b',"of_tomorrow":{"a":1}}'
    slot = Slot.of_record(data)
    slot.wake()
    slot.rest()
    assert slot.state.unknown == {"of_tomorrow": {"a": 1}}
    assert msgspec.json.decode(encode_state(slot.state))["of_tomorrow"] == {"a": 1}


def test_a_record_that_is_none_is_an_error() -> None:
    with pytest.raises(WireError, match="is not a feed state"):
        Slot.of_record(b'{"feed_id": 7}', "news.feed-state 0:1")


def test_a_resting_slot_is_small() -> None:
    state = a_state()
    for number in range(10):
        note = PollNote(at=NOW + timedelta(minutes=number), outcome="unchanged_304", status=304)
        state = with_note(state, note)
    slot = Slot(state)
    slot.rest()
    assert len(slot._packed) < len(encode_state(state)) / 2


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"failure_score": 0.5},
        {"failure_score": 0.5, "retry_after_until_at": NOW + timedelta(hours=1)},
        {"retry_after_until_at": NOW - timedelta(hours=1)},
        {"gone_since_at": NOW, "retry_after_until_at": NOW + timedelta(hours=1)},
        {"duplicate_of": "other"},
        {"last_error_class": "robots_disallowed", "failure_score": 0.5},
    ],
)
def test_what_lies_open_is_what_the_state_says(changes: dict[str, Any]) -> None:
    state = a_state(**changes)
    slot = Slot(state)
    slot.rest()
    for feed in (FEED, msgspec.structs.replace(FEED, enabled=False)):
        assert slot.health(feed, NOW) == feed_health(state, is_enabled=feed.enabled, now=NOW)
    assert slot.per_hour == state.rate.per_hour
    assert slot.interval_seconds == 1200.0
    assert slot.is_asked is (state.gone_since_at is None and not state.duplicate_of)
