"""Hands items to the children of a pool: small ones together, large ones a few at once."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

#: So many items go to a child together, and so many bytes: one that hangs holds up few others.
MAX_ITEMS = 8
#: An item up to this size is small: it is parsed in a tenth of a second, a larger one in ten.
MAX_BYTES = 512 * 1024
#: Items under way for each child when they are mapped: what bounds the memory of the parent.
_ITEMS_A_CHILD = 3 * MAX_ITEMS

Item = TypeVar("Item")


class Pool(Protocol):
    """What is needed of a pool of children."""

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

    Small items that wait at the same time go to one child together. All children but one may work
    on large items, so that small ones never wait for those; a pool of one child takes both.
    `size_of` returns the bytes of an item.
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
        """Return the future result of one item, or its ChildFailure.

        Errors: RuntimeError after `close`; the future has what `map` of the pool raises.
        """
        size = self._size_of(item)
        with self._lock:
            job = _Job(next(self._numbers), item, size, Future())
            self._threads.submit(self._work)
            (self._large if size > MAX_BYTES else self._small).append(job)
        return job.result

    def map(self, items: Iterable[Item]) -> Iterator[tuple[Item, Any]]:
        """Return each item with its result, in order; a few for each child are under way.

        Errors: those of `items`, and what `map` of the pool raises.
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
        """Cancel what waits, wait for what the children work on, and close the pool."""
        with self._lock:
            waiting = [*self._small, *self._large]
            self._small.clear()
            self._large.clear()
        for job in waiting:
            job.result.cancel()
        self._threads.shutdown(cancel_futures=True)
        self._pool.close()

    def __enter__(self) -> Submitter[Item]:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _work(self) -> None:
        """Work until nothing waits that may begin; called once for each submitted item."""
        while jobs := self._taken():
            running = [job for job in jobs if job.result.set_running_or_notify_cancel()]
            try:
                results = self._pool.map([job.item for job in running], children=1)
                pairs = list(zip(running, results, strict=True))
            except BaseException as error:  # noqa: BLE001 - raised where the results are awaited
                for job in running:
                    job.result.set_exception(error)
            else:
                for job, result in pairs:
                    job.result.set_result(result)
            with self._lock:
                self._free_for_large += jobs[0].size > MAX_BYTES

    def _taken(self) -> list[_Job]:
        """Take the job that has waited longest and may begin; small ones bring those behind them."""
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
