"""A pool of child processes, and a queue that submits items to it from any thread."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ingest.children.child import Child, ChildFailure, Run
from ingest.children.frames import Start
from ingest.errors import NewsIngestError

#: Maximum number of items that are sent to a child together: one that hangs delays few others.
MAX_ITEMS = 8
#: Maximum size of a small item, and of small items together: 0.1 s of parsing, not 10 s.
MAX_BYTES = 512 * 1024
#: Maximum number of unfinished items per child in `map`, which limits the memory of the parent.
_ITEMS_A_CHILD = 3 * MAX_ITEMS
Item = TypeVar("Item")


class ChildPool:
    """Child processes that run one function on items; each can be killed alone.

    `target` is "module:function": a factory, called once in each child with `arguments`, that
    returns a callable from item to result. Items and results must be picklable. The timeout is per
    item. `memory_bytes` limits a child's address space, `growth_bytes` what an item may add to it
    (0: no limit). A child that holds more than `recycle_bytes` after a chunk is replaced (0:
    never). `count` 0 means one child per core. Children start when they are first needed.
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
        self._recycle_bytes = recycle_bytes
        self._start = Start(target, arguments, memory_bytes, timeout_seconds, growth_bytes)
        self._idle: list[Child] = []
        self._borrowed = 0
        self._changed = threading.Condition()
        self._is_closed = False

    def map(self, items: Sequence[Any], children: int = 0) -> list[Any | ChildFailure]:
        """Return a result or a ChildFailure for each item, in order.

        May be called from several threads at once: each call uses the children that are free, at
        least one and at most `children` (0: as many as there are items).
        Errors: NewsIngestError if no child can be started or the pool is closed.
        """
        if not items:
            return []
        wanted = min(self.count, len(items), children or len(items))
        run = Run(self._start, self._recycle_bytes, items, self._borrow(wanted))
        try:
            return run.results()
        finally:
            self._return(run.children)

    def close(self) -> None:
        """Wait for running calls, then end all children. May be called twice."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._borrowed == 0)
            children, self._idle = self._idle, []
        for child in children:
            child.hang_up()
        for child in children:
            child.end()

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

    def _return(self, children: list[Child]) -> None:
        usable = [child for child in children if child.is_usable]
        for child in children:
            if not child.is_usable:
                child.end()
        with self._changed:
            self._idle.extend(usable)
            self._borrowed -= len(children)
            self._changed.notify_all()


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool(Protocol):
    """What a Submitter needs of a pool of children."""

    @property
    def count(self) -> int: ...
    def map(self, items: Sequence[Any], children: int = 0) -> list[Any]: ...
    def close(self) -> None: ...


class _Job(NamedTuple):
    number: int
    item: Any
    size: int
    result: Future[Any]


class Submitter(Generic[Item]):
    """Submits items to a pool of its own, from any thread.

    Small items that wait at the same time are sent to one child together. Large items never occupy
    the last child, so that small ones do not wait for them; a single child works on both.
    `size_of` returns the size of an item in bytes.
    """

    def __init__(self, pool: Pool, *, size_of: Callable[[Item], int] = lambda _: 0) -> None:
        self._pool = pool
        self._size_of = size_of
        self._threads = ThreadPoolExecutor(pool.count, thread_name_prefix="children")
        self._free_for_large = max(1, pool.count - 1)
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._small: deque[_Job] = deque()
        self._large: deque[_Job] = deque()

    def submit(self, item: Item) -> Future[Any]:
        """Return a future for the result of an item, or its ChildFailure.

        Errors: RuntimeError after `close`; the future raises what `map` of the pool raises.
        """
        size = self._size_of(item)
        with self._lock:
            job = _Job(next(self._numbers), item, size, Future())
            self._threads.submit(self._work)
            (self._large if size > MAX_BYTES else self._small).append(job)
        return job.result

    def map(self, items: Iterable[Item]) -> Iterator[tuple[Item, Any]]:
        """Return each item with its result, in order; a few per child are unfinished at a time.

        Errors: those of `items`, and those of `map` of the pool.
        """
        waiting: deque[tuple[Item, Future[Any]]] = deque()
        most = _ITEMS_A_CHILD * self._pool.count
        for item in items:
            waiting.append((item, self.submit(item)))
            while waiting and (waiting[0][1].done() or len(waiting) > most):
                done, result = waiting.popleft()
                yield done, result.result()
        for done, result in waiting:
            yield done, result.result()

    def close(self) -> None:
        """Cancel waiting items, wait for running ones, and close the pool."""
        with self._lock:
            self._threads.shutdown(wait=False, cancel_futures=True)
            waiting = [*self._small, *self._large]
            self._small.clear()
            self._large.clear()
        for job in waiting:
            job.result.cancel()
        self._threads.shutdown()
        self._pool.close()

    def __enter__(self) -> Submitter[Item]:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _work(self) -> None:
        """Run jobs until none may start; called once for each submitted item."""
        while jobs := self._next_jobs():
            running = [job for job in jobs if job.result.set_running_or_notify_cancel()]
            try:
                results = self._pool.map([job.item for job in running], children=1)
                pairs = list(zip(running, results, strict=True))
            except BaseException as error:  # noqa: BLE001 - raised by the futures
                for job in running:
                    job.result.set_exception(error)
            else:
                for job, result in pairs:
                    job.result.set_result(result)
            with self._lock:
                self._free_for_large += jobs[0].size > MAX_BYTES

    def _next_jobs(self) -> list[_Job]:
        """Return the job that may start and has waited longest; a small one with further small ones."""
        small, large = self._small, self._large
        with self._lock:
            if large and self._free_for_large and not (small and small[0].number < large[0].number):
                self._free_for_large -= 1
                return [large.popleft()]
            jobs: list[_Job] = []
            size = 0
            while small and len(jobs) < MAX_ITEMS:
                size += small[0].size
                if jobs and size > MAX_BYTES:
                    break
                jobs.append(small.popleft())
            return jobs
