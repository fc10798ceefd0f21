"""The threads that wait for children to parse: long documents never hold up short ones."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

#: A document up to this size is parsed in a tenth of a second; a longer one may take ten.
SHORT_BYTES = 512 * 1024
_T = TypeVar("_T")


class ParseThreads(Executor):
    """Runs work in threads; what is given a long body has `long_threads` of its own.

    With one fewer of these than there are children, a child is always free for short documents.
    """

    def __init__(self, threads: int, long_threads: int) -> None:
        self._short = ThreadPoolExecutor(threads, thread_name_prefix="parse")
        self._long = ThreadPoolExecutor(max(1, long_threads), thread_name_prefix="parse-long")

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Have `fn` called; as every executor."""
        is_long = any(isinstance(one, bytes) and len(one) > SHORT_BYTES for one in args)
        return (self._long if is_long else self._short).submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads; as every executor."""
        for threads in (self._short, self._long):
            threads.shutdown(wait, cancel_futures=cancel_futures)
