"""The feeds that this poller polls: the configured ones in the partitions it owns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from ingest.identity import registrable_domain
from ingest.model import Feed
from ingest.partition import partition_for
from ingest.polling.state.feed_state import FeedState, Slot
from ingest.polling.state.state_table import PartitionRestored

#: Time that the state of a feed is kept after the feed was removed from the configuration: a feed
#: that is added again within that time sends no entry twice.
KEEP_STATE = timedelta(days=30)


class OwnedFeeds:
    """Joins the configured feeds with the states of the owned partitions."""

    def __init__(self, feeds: Callable[[], Mapping[str, Feed]], partition_count: int) -> None:
        self._load = feeds
        self._feeds: Mapping[str, Feed] = {}
        self._places: dict[str, int] = {}
        self._by_url: dict[str, str] = {}
        self.partition_count = partition_count
        #: Partition → the epoch of its assignment.
        self.partitions: dict[int, int] = {}
        self.slots: dict[str, Slot] = {}
        self.changed_ids: list[str] = []
        self._strays: dict[str, str] = {}
        self._is_loaded = False

    def reload(self) -> bool:
        """Load the configured feeds; return whether anything changed.

        `changed_ids` then holds the owned feeds that were added, changed or removed.
        """
        feeds = self._load()
        if feeds is self._feeds and self._is_loaded:
            return False
        self._is_loaded = True
        old, self._feeds = self._feeds, feeds
        changed = [
            feed_id for feed_id in {**old, **feeds} if old.get(feed_id) != feeds.get(feed_id)
        ]
        for feed_id in changed:
            self._place(feed_id, old.get(feed_id), feeds.get(feed_id))
        self.changed_ids = changed
        return bool(changed)

    def feed(self, feed_id: str) -> Feed | None:
        """Return the configured feed with this id, or None."""
        return self._feeds.get(feed_id)

    def feed_at(self, url: str) -> str:
        """Return the id of the feed that is configured for this address, or `""`."""
        return self._by_url.get(url, "")

    def hold_of(self, feed_id: str) -> tuple[int, int] | None:
        """Return the partition of a feed and the epoch of its assignment; None if not ours."""
        partition = self._places.get(feed_id, -1)
        epoch = self.partitions.get(partition)
        return None if epoch is None else (partition, epoch)

    def add_partition(self, restored: PartitionRestored) -> list[str]:
        """Add an assigned partition; return the ids of its configured feeds."""
        self.partitions[restored.partition] = restored.epoch
        for feed_id, slot in restored.slots.items():
            if self._places.get(feed_id, restored.partition) == restored.partition:
                self.slots[feed_id] = slot
            else:
                # The feed's URL moved to another domain: its state restarts there.
                self._strays[feed_id] = registrable_domain(slot.state.configured_url)
        added = [feed_id for feed_id, place in self._places.items() if place == restored.partition]
        for feed_id in added:
            self.slots.setdefault(feed_id, _fresh(feed_id))
        return added

    def remove_partition(self, partition: int) -> list[str]:
        """Remove a partition; return the ids of its feeds."""
        self.partitions.pop(partition, None)
        gone = [
            feed_id
            for feed_id, slot in self.slots.items()
            if self._place_of(feed_id, slot) == partition
        ]
        for feed_id in gone:
            del self.slots[feed_id]
        return gone

    def polled(self) -> Iterator[tuple[Feed, Slot]]:
        """Return the enabled feeds of our partitions, each with its slot."""
        for feed_id, slot in self.slots.items():
            feed = self._feeds.get(feed_id)
            if feed is not None and feed.enabled:
                yield feed, slot

    def take_orphans(self, now: datetime) -> list[tuple[str, str]]:
        """Return (feed id, domain) of the states to delete, and remove them here."""
        found = list(self._strays.items())
        self._strays.clear()
        if self._is_loaded:
            for feed_id in self.slots.keys() - self._feeds.keys():
                state = self.slots[feed_id].state
                if state.last_poll_at is None or now - state.last_poll_at > KEEP_STATE:
                    del self.slots[feed_id]
                    found.append((feed_id, registrable_domain(state.configured_url)))
        return [(feed_id, domain) for feed_id, domain in found if domain]

    def health(self, now: datetime) -> Counter[str]:
        """Return the number of our feeds by health."""
        return Counter(
            slot.health(feed, now)
            for feed_id, slot in self.slots.items()
            if (feed := self._feeds.get(feed_id)) is not None
        )

    def _place(self, feed_id: str, old: Feed | None, feed: Feed | None) -> None:
        if old is not None and self._by_url.get(old.url) == feed_id:
            del self._by_url[old.url]
        if feed is None:
            self._places.pop(feed_id, None)  # its slot stays until it may be forgotten
            return
        self._by_url[feed.url] = feed_id
        before = self._places.get(feed_id)
        place = partition_for(registrable_domain(feed.url), self.partition_count)
        self._places[feed_id] = place
        if before is not None and before != place and feed_id in self.slots:
            self._strays[feed_id] = registrable_domain(self.slots[feed_id].state.configured_url)
            del self.slots[feed_id]
        if place in self.partitions:
            self.slots.setdefault(feed_id, _fresh(feed_id))

    def _place_of(self, feed_id: str, slot: Slot) -> int:
        if feed_id in self._places:
            return self._places[feed_id]
        domain = registrable_domain(slot.state.configured_url)
        return partition_for(domain, self.partition_count) if domain else -1


def _fresh(feed_id: str) -> Slot:
    slot = Slot(FeedState(feed_id=feed_id))
    slot.rest()
    return slot
