"""A queue of feeds by due time that hands out one feed per domain at a time."""

from __future__ import annotations

import heapq
from collections import deque
from datetime import datetime
from typing import NamedTuple


class _Place(NamedTuple):
    due: datetime
    number: int
    feed_id: str


class DueQueue:
    """A heap of feeds by time, with a lane for each domain that is being polled.

    So a platform with thousands of feeds on hosts of one domain takes one of the concurrent
    polls, not all of them.
    """

    def __init__(self) -> None:
        self._heap: list[_Place] = []
        self._placed: dict[str, tuple[int, str]] = {}
        self._numbers = 0
        self._busy: dict[str, deque[_Place]] = {}
        self._ready: deque[tuple[str, _Place]] = deque()

    def put(self, feed_id: str, domain: str, due: datetime) -> None:
        """Schedule a feed, or reschedule it."""
        self._numbers += 1
        self._placed[feed_id] = (self._numbers, domain)
        heapq.heappush(self._heap, _Place(due, self._numbers, feed_id))

    def remove(self, feed_id: str) -> None:
        """Remove a feed if it is scheduled."""
        self._placed.pop(feed_id, None)

    def take(self, now: datetime) -> tuple[str, str, datetime] | None:
        """Return id, domain and due time of the next due feed whose domain is free; None if none.

        The domain is busy until `release`.
        """
        while self._ready:
            domain, place = self._ready.popleft()
            if self._is_valid(place):
                return self._start(place)
            self.release(domain)
        while self._heap and self._heap[0].due <= now:
            place = heapq.heappop(self._heap)
            if not self._is_valid(place):
                continue
            domain = self._placed[place.feed_id][1]
            if domain in self._busy:
                self._busy[domain].append(place)
            else:
                self._busy[domain] = deque()
                return self._start(place)
        return None

    def release(self, domain: str) -> None:
        """Mark a domain as free after its poll."""
        lane = self._busy.get(domain)
        while lane:
            place = lane.popleft()
            if self._is_valid(place):
                self._ready.append((domain, place))
                return
        self._busy.pop(domain, None)

    def next_due(self) -> datetime | None:
        """Return the time when the next feed may be due; None if none is scheduled."""
        while self._heap and not self._is_valid(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0].due if self._heap else None

    def _start(self, place: _Place) -> tuple[str, str, datetime]:
        _, domain = self._placed.pop(place.feed_id)
        return place.feed_id, domain, place.due

    def _is_valid(self, place: _Place) -> bool:
        return self._placed.get(place.feed_id, (0, ""))[0] == place.number
