"""Small items that wait are sent to a child together; large ones block no others."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

import pytest

from ingest.children.pool import MAX_BYTES, MAX_ITEMS, Submitter

LONG = b"x" * (MAX_BYTES + 1)


def a_document(number: int, size: int = 10) -> bytes:
    return f"{number} ".encode().ljust(size)


class Pool:
    """Records its items; a slow one waits until it is released."""

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self.given: list[list[bytes]] = []
        self.has_started = threading.Event()
        self.may_go = threading.Event()
        self.is_closed = False

    def map(self, items: Sequence[bytes], children: int = 0) -> list[Any]:
        assert children == 1
        self.given.append([item.strip() for item in items])
        self.has_started.set()
        if self.is_slow(items):
            assert self.may_go.wait(10)
        if any(item.startswith(b"13 ") for item in items):
            raise ValueError("a number that nobody likes")
        return [item.strip() for item in items]

    def is_slow(self, items: Sequence[bytes]) -> bool:
        return bool(items)

    def close(self) -> None:
        self.is_closed = True


class SlowForLong(Pool):
    def is_slow(self, items: Sequence[bytes]) -> bool:
        return items[0] == LONG


def asked(pool: Pool, documents: Sequence[bytes]) -> list[object]:
    """Ask for the first document, and for the others while it is being worked on."""
    with Submitter[bytes](pool, size_of=len) as children:
        first = children.submit(documents[0])
        assert pool.has_started.wait(10)
        rest = [children.submit(document) for document in documents[1:]]
        pool.may_go.set()
        return [one.exception(10) or one.result() for one in [first, *rest]]


def test_waiting_items_are_sent_together_and_each_gets_its_own_result() -> None:
    pool = Pool()
    documents = [a_document(number) for number in range(MAX_ITEMS + 3)]
    assert asked(pool, documents) == [document.strip() for document in documents]
    assert [len(given) for given in pool.given] == [1, MAX_ITEMS, 2]


@pytest.mark.parametrize("size", [MAX_BYTES, MAX_BYTES + 1])
def test_large_documents_are_sent_alone_and_in_turn(size: int) -> None:
    pool = Pool()
    documents = [a_document(1), a_document(2, size), a_document(3, size), a_document(4)]
    asked(pool, documents)
    assert pool.given == [[b"1"], [b"2"], [b"3"], [b"4"]]


def test_an_error_of_the_pool_reaches_all_items_sent_together() -> None:
    pool = Pool()
    found = asked(pool, [a_document(1), a_document(13), a_document(3)])
    assert found[0] == b"1"
    assert all(isinstance(error, ValueError) for error in found[1:])


@pytest.mark.parametrize("count", [1, 3])
def test_many_items_are_returned_in_order(count: int) -> None:
    pool = Pool(count)
    pool.may_go.set()
    documents = [a_document(number) for number in range(200, 500)]
    with Submitter[bytes](pool, size_of=len) as children:
        found = list(children.map(documents))
    assert found == [(document, document.strip()) for document in documents]


def test_only_a_few_items_are_read_ahead() -> None:
    taken = 0

    def documents() -> Iterator[bytes]:
        nonlocal taken
        for number in range(1000, 2000):
            taken += 1
            yield a_document(number)

    pool = Pool()
    with Submitter[bytes](pool, size_of=len) as children:
        threading.Timer(0.2, pool.may_go.set).start()
        next(children.map(documents()))
        assert taken < 100


@pytest.mark.parametrize("count", [2, 4])
def test_short_documents_do_not_wait_for_long_ones(count: int) -> None:
    pool = SlowForLong(count)
    with Submitter[bytes](pool, size_of=len) as children:
        long = [children.submit(LONG) for _ in range(5)]
        short = [children.submit(b"short") for _ in range(20)]
        assert [one.result(10) for one in short] == [b"short"] * 20
        assert not any(one.done() for one in long)
        assert sum(given == [LONG] for given in pool.given) == count - 1
        pool.may_go.set()
        assert all(one.result(10) for one in long)


def test_after_close_nothing_is_accepted_and_nothing_waits() -> None:
    pool = Pool()
    children = Submitter[bytes](pool, size_of=len)
    running = children.submit(b"short")
    assert pool.has_started.wait(10)
    waiting = [children.submit(body) for body in (b"short", LONG)]
    threading.Timer(0.1, pool.may_go.set).start()
    children.close()
    assert running.result(0) == b"short"
    assert pool.is_closed
    for one in waiting:
        with pytest.raises(CancelledError):
            one.result(0)
    for body in (b"short", LONG):
        with pytest.raises(RuntimeError):
            children.submit(body)


def test_a_cancelled_item_is_not_processed() -> None:
    pool = Pool()
    with Submitter[bytes](pool, size_of=len) as children:
        children.submit(a_document(1))
        assert pool.has_started.wait(10)
        given_up, wanted = children.submit(a_document(2)), children.submit(a_document(3))
        assert given_up.cancel()
        pool.may_go.set()
        assert wanted.result(10) == b"3"
    assert pool.given == [[b"1"], [b"3"]]
