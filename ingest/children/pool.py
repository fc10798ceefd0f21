"""The pool: keeps children between calls, lends them to one call at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

from ingest.children.child import Child, ChildFailure
from ingest.children.frames import Start
from ingest.children.run import Run
from ingest.errors import NewsIngestError


class ChildPool:
    """Children that run one function on items, killable one by one.

    `target` is "module:function": a factory, called once in each child with `arguments`, that
    gives a callable from item to result. Items and results must pickle.
    Units: seconds for one item; `memory_bytes` bounds a child's address space, `growth_bytes`
    what an item may add to it (0: no bound);
    a child that holds more than `recycle_bytes` after a chunk is replaced (0: never).
    `count` 0 is one child a core. Children start when they are first needed.
    """

    def __init__(
        self,
        target: str,
        *,
        count: int,
        timeout_seconds: float,
        memory_bytes: int,
        recycle_bytes: int,
        arguments: tuple[Any, ...] = (),
        growth_bytes: int = 0,
    ) -> None:
        self.count = count or cores()
        self.timeout_seconds = timeout_seconds
        self._recycle_bytes = recycle_bytes
        self._start = Start(target, arguments, memory_bytes, timeout_seconds, growth_bytes)
        self._idle: list[Child] = []
        self._borrowed = 0
        self._changed = threading.Condition()
        self._is_closed = False

    def map(self, items: Sequence[Any], children: int = 0) -> list[Any | ChildFailure]:
        """Return a result or a ChildFailure for each item, in order.

        May be called from several threads at once: each call works with the children that are
        free then, at least one and at most `children` (0: as many as there are items).
        Errors: NewsIngestError when no child can be started or the pool is closed.
        """
        if not items:
            return []
        wanted = min(self.count, len(items), children or len(items))
        run = Run(self._start, self._recycle_bytes, items, self._borrow(wanted))
        try:
            return run.results()
        finally:
            self._give_back(run.children)

    def run(self, item: Any) -> Any | ChildFailure:
        """Return the result of one item, or its ChildFailure; otherwise as `map`."""
        return self.map([item])[0]

    def close(self) -> None:
        """Wait for calls that still run, then end all children. May be called twice."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._borrowed == 0)
            children, self._idle = self._idle, []
        for child in children:
            child.hang_up()
        for child in children:
            child.end()

    def __enter__(self) -> ChildPool:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    @property
    def process_ids(self) -> list[int]:
        """Return the process ids of the idle children."""
        with self._changed:
            return [child.process.pid for child in self._idle]

    def _borrow(self, wanted: int) -> list[Child]:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._borrowed < self.count)
            if self._is_closed:
                raise NewsIngestError("the pool of child processes is closed")
            taken = min(wanted, self.count - self._borrowed)
            self._borrowed += taken
            chosen = [self._idle.pop() for _ in range(min(taken, len(self._idle)))]
        alive = []
        for child in chosen:
            if child.process.poll() is None:
                alive.append(child)
            else:
                child.end()
        try:
            while len(alive) < taken:
                alive.append(Child(self._start))
        except NewsIngestError:
            for child in alive:
                child.end()
            with self._changed:
                self._borrowed -= taken
                self._changed.notify_all()
            raise
        return alive

    def _give_back(self, children: list[Child]) -> None:
        usable = [child for child in children if child.is_usable]
        for child in children:
            if not child.is_usable:
                child.end()
        with self._changed:
            self._idle.extend(usable)
            self._borrowed -= len(children)
            self._changed.notify_all()


def cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
