"""Joins small documents that wait at the same time, so that a child gets them in one piece."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

#: So many documents go together, and so many bytes: one that hangs holds up few others.
MAX_DOCUMENTS = 8
MAX_BYTES = 512 * 1024


class HasBody(Protocol):
    """A document to be parsed."""

    @property
    def body(self) -> bytes: ...


Item = TypeVar("Item", bound=HasBody)


class _Job(Generic[Item]):
    """One document, and what became of it."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.result: object = None
        self.error: BaseException | None = None
        self.is_taken = False
        self.is_done = threading.Event()


class Batches(Generic[Item]):
    """Threads come with a document each; a few of them work for all that wait."""

    def __init__(self, workers: int, work: Callable[[Sequence[Item]], Sequence[object]]) -> None:
        """`work` gives a result for each item, in order; at most `workers` call it at once."""
        self._work = work
        self._turns = threading.Semaphore(workers)
        self._lock = threading.Lock()
        self._waiting: deque[_Job[Item]] = deque()

    def result(self, item: Item) -> object:
        """Give what `work` gives for this item. Errors: what `work` raises."""
        job = _Job(item)
        with self._lock:
            self._waiting.append(job)
        while not job.is_taken:
            with self._turns:
                self._run([] if job.is_taken else self._taken())
        job.is_done.wait()
        if job.error is not None:
            raise job.error
        return job.result

    def _taken(self) -> list[_Job[Item]]:
        """Take the documents that have waited longest."""
        taken: list[_Job[Item]] = []
        size = 0
        with self._lock:
            while self._waiting and len(taken) < MAX_DOCUMENTS:
                size += len(self._waiting[0].item.body)
                if taken and size > MAX_BYTES:
                    break
                job = self._waiting.popleft()
                job.is_taken = True
                taken.append(job)
        return taken

    def _run(self, jobs: list[_Job[Item]]) -> None:
        if not jobs:
            return
        try:
            results = self._work([job.item for job in jobs])
            for job, result in zip(jobs, results, strict=True):
                job.result = result
        except BaseException as error:
            for job in jobs:
                job.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for job in jobs:
                job.is_done.set()
