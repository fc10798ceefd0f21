"""One call of the pool: items out to the borrowed children, results in."""

from __future__ import annotations

import math
import pickle
import selectors
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from ingest.children.child import START_TIMEOUT_SECONDS, Child, ChildFailure, cause_of_death
from ingest.children.frames import Start
from ingest.errors import NewsIngestError

#: Items that go to a child at once: two children then do 1.98 times the work of one, 1.83 times
#: with items one by one.
CHUNK_ITEMS = 16
_CHUNK_BYTES = 8 * 1024 * 1024
_START_ATTEMPTS = 3


class Run:
    """One call of `map`: items out to the borrowed children, results in.

    `children` holds as many children at the end as at the start, though others by then.
    """

    def __init__(
        self, start: Start, recycle_bytes: int, items: Sequence[Any], children: list[Child]
    ) -> None:
        self.children = children
        self._start = start
        self._recycle_bytes = recycle_bytes
        self._items = items
        self._todo: deque[int] = deque(range(len(items)))
        self._done: dict[int, Any] = {}
        self._failed_starts = 0

    def results(self) -> list[Any | ChildFailure]:
        """Return a result or a ChildFailure for each item, in order. Errors: NewsIngestError."""
        with selectors.DefaultSelector() as selector:
            self._selector = selector
            for child in self.children:
                if not child.is_ready:
                    child.deadline = time.monotonic() + START_TIMEOUT_SECONDS
            for child in self.children:
                self._watch(child)
            try:
                while len(self._done) < len(self._items):
                    self._hand_out()
                    self._step()
                while any(child.is_busy and child.is_usable for child in self.children):
                    self._step()
            except BaseException:
                for child in self.children:
                    child.is_usable = False
                raise
        return [self._done[number] for number in range(len(self._items))]

    def _watch(self, child: Child) -> None:
        self._selector.register(child.source, selectors.EVENT_READ, child)
        if child.has_outgoing:
            self._selector.register(child.sink, selectors.EVENT_WRITE, child)

    def _forget(self, child: Child) -> None:
        for descriptor in (child.source, child.sink):
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)

    def _hand_out(self) -> None:
        for child in self.children:
            if self._todo and child.is_ready and not child.is_busy:
                self._give_chunk(child)

    def _give_chunk(self, child: Child) -> None:
        """Return a chunk that leaves enough for the others, smaller towards the end."""
        share = 1 if len(self.children) == 1 else 2 * len(self.children)
        most = min(CHUNK_ITEMS, max(1, math.ceil(len(self._todo) / share)))
        chunk: list[bytes] = []
        size = 0
        while self._todo and len(chunk) < most and size < _CHUNK_BYTES:
            number = self._todo.popleft()
            try:
                pickled = pickle.dumps(self._items[number], protocol=5)
            except Exception as error:  # noqa: BLE001 - an item that cannot be sent fails alone
                self._done[number] = ChildFailure("raised", f"{type(error).__name__}: {error}")
                continue
            chunk.append(pickled)
            child.waiting.append(number)
            size += len(pickled)
        if chunk:
            child.is_busy = True
            child.began_item(self._start.timeout_seconds)
            child.send(pickle.dumps(chunk, protocol=5))
            if child.has_outgoing and child.sink not in self._selector.get_map():
                self._selector.register(child.sink, selectors.EVENT_WRITE, child)

    def _step(self) -> None:
        """Wait for answers or the next deadline, and act on what came."""
        bounds = [c.deadline for c in self.children if c.is_busy or not c.is_ready]
        if not bounds:
            return
        wait = max(0.0, min(bounds) - time.monotonic())
        for key, events in self._selector.select(wait):
            child: Child = key.data
            if child not in self.children:
                continue
            if events & selectors.EVENT_WRITE:
                child.write()
                if not child.has_outgoing:
                    self._selector.unregister(child.sink)
            if events & selectors.EVENT_READ:
                self._take_answers(child)
        now = time.monotonic()
        for child in list(self.children):
            if now >= child.deadline and (child.is_busy or not child.is_ready):
                self._kill_late(child)

    def _take_answers(self, child: Child) -> None:
        messages, is_open = child.read()
        for kind, content in messages:
            if kind == "ready":
                child.is_ready = True
                self._failed_starts = 0
            elif kind == "not_started":
                raise NewsIngestError(
                    f"a child process could not load its work: {content[0]}",
                    value=self._start.target,
                    origin=content[1],
                )
            elif kind == "chunk_done":
                child.is_busy = False
                if 0 < self._recycle_bytes < content:
                    self._replace(child)
                    return
            else:
                is_result = kind == "result"
                self._done[child.waiting.popleft()] = (
                    content if is_result else ChildFailure(*content)
                )
                child.began_item(self._start.timeout_seconds)
                if not is_result and content[0] == "killed_memory":
                    self._replace(child)
                    return
        if not is_open:
            self._replace(child, ChildFailure("crashed"))

    def _kill_late(self, child: Child) -> None:
        seconds = self._start.timeout_seconds
        if child.is_ready and child.gets_more_time(seconds):
            return
        self._replace(child, ChildFailure("killed_time", f"not done after {seconds:g} s"))

    def _replace(self, child: Child, failure: ChildFailure | None = None) -> None:
        """End this child and put a new one in its place.

        With a failure, the item it was working on fails; the rest of its chunk waits again.
        """
        self._forget(child)
        child.is_usable = False
        was_ready = child.is_ready
        if failure is not None and failure.kind == "crashed":
            failure = cause_of_death(child)
        child.end()
        if failure is not None and child.waiting:
            self._done[child.waiting.popleft()] = failure
        self._todo.extendleft(reversed(child.waiting))
        child.waiting.clear()
        if not was_ready:
            self._failed_starts += 1
            if self._failed_starts >= _START_ATTEMPTS:
                raise NewsIngestError(
                    "child processes die before they are ready",
                    value=self._start.target,
                    remedy="see stderr; is there enough memory?",
                )
        place = self.children.index(child)
        self.children[place] = fresh = Child(self._start)
        self._watch(fresh)
