"""Remembers which offsets of a partition are open, so that only finished ones are committed."""

from __future__ import annotations


class Tracker:
    """One partition: open offsets, and the next offset to be read."""

    def __init__(self, epoch: int, position: int) -> None:
        self.epoch = epoch
        self._next = position
        self._open: set[int] = set()
        self._committed = position

    def began(self, offset: int) -> None:
        """Take note that work on this offset has started.

        The read that brings a partition may bring its first records too, before anybody asked
        for its position: an offset below it then is not committed yet.
        """
        self._committed = min(self._committed, offset)
        self._open.add(offset)
        self._next = max(self._next, offset + 1)

    def done(self, offset: int) -> None:
        """Take note that all outputs of this offset are durable."""
        self._open.discard(offset)

    def passed(self, offset: int) -> None:
        """Take note of an offset that needs no work."""
        self._next = max(self._next, offset + 1)

    @property
    def commitable(self) -> int:
        """The lowest offset that is not finished: where the group would go on."""
        return min(self._open) if self._open else self._next

    def has_news(self) -> bool:
        """Tell whether a commit would move the group."""
        return self.commitable > self._committed

    def committed(self, offset: int) -> None:
        """Take note of what was committed."""
        self._committed = offset
