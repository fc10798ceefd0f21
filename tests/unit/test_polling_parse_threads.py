"""Long documents wait for each other, and short ones for neither."""

from __future__ import annotations

import threading

import pytest

from ingest.polling.parse_threads import SHORT_BYTES, ParseThreads

LONG = b"x" * (SHORT_BYTES + 1)


def test_short_documents_do_not_wait_for_long_ones() -> None:
    may_end = threading.Event()
    threads = ParseThreads(threads=2, long_threads=1)
    try:
        long = [threads.submit(lambda _: may_end.wait(30), LONG) for _ in range(5)]
        short = [threads.submit(len, b"short") for _ in range(20)]
        assert [one.result(30) for one in short] == [5] * 20
        assert not any(one.done() for one in long)
        may_end.set()
        assert all(one.result(30) for one in long)
    finally:
        may_end.set()
        threads.shutdown()


def test_after_the_end_nothing_is_taken() -> None:
    threads = ParseThreads(threads=1, long_threads=0)
    assert threads.submit(len, LONG).result(30) == len(LONG)
    threads.shutdown(cancel_futures=True)
    for body in (b"short", LONG):
        with pytest.raises(RuntimeError):
            threads.submit(len, body)
