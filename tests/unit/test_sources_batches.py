"""Documents that wait at the same time go to a child together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.sources.batches import MAX_BYTES, MAX_DOCUMENTS, Batches
from ingest.sources.parse_in_children import FeedBody


def a_document(number: int, size: int = 10) -> FeedBody:
    return FeedBody(str(number).encode().ljust(size), f"http://elsin-{number}.example/feed")


class Worker:
    """Notes what it is given at once; the first time it holds until it is let go."""

    def __init__(self) -> None:
        self.given: list[list[str]] = []
        self.is_begun = threading.Event()
        self.may_go = threading.Event()

    def __call__(self, items: Sequence[FeedBody]) -> list[object]:
        self.given.append([item.url for item in items])
        self.is_begun.set()
        assert self.may_go.wait(10)
        if any(item.body.startswith(b"13 ") for item in items):
            raise ValueError("a number that nobody likes")
        return [item.url for item in items]


def asked(worker: Worker, documents: Sequence[FeedBody], workers: int = 1) -> list[object]:
    """Ask for the first document, and for the others while it is being worked on."""
    batches: Batches[FeedBody] = Batches(workers, worker)
    with ThreadPoolExecutor(len(documents)) as threads:
        first = threads.submit(batches.result, documents[0])
        assert worker.is_begun.wait(10)
        rest = [threads.submit(batches.result, document) for document in documents[1:]]
        while len(batches._waiting) < len(rest):
            threading.Event().wait(0.001)
        worker.may_go.set()
        return [one.exception() or one.result() for one in [first, *rest]]


def test_what_waits_goes_together_and_everybody_gets_his_own() -> None:
    worker = Worker()
    documents = [a_document(number) for number in range(MAX_DOCUMENTS + 3)]
    assert asked(worker, documents) == [document.url for document in documents]
    assert [len(given) for given in worker.given] == [1, MAX_DOCUMENTS, 2]


def test_large_documents_go_alone() -> None:
    worker = Worker()
    documents = [a_document(1), a_document(2, MAX_BYTES), a_document(3, MAX_BYTES), a_document(4)]
    asked(worker, documents)
    assert [len(given) for given in worker.given] == [1, 1, 1, 1]


def test_an_error_of_the_work_reaches_all_that_went_together() -> None:
    worker = Worker()
    found = asked(worker, [a_document(1), a_document(13), a_document(3)])
    assert found[0] == "http://elsin-1.example/feed"
    assert all(isinstance(error, ValueError) for error in found[1:])


@pytest.mark.parametrize("workers", [1, 3])
def test_many_threads_come_to_an_end(workers: int) -> None:
    worker = Worker()
    worker.may_go.set()
    batches: Batches[FeedBody] = Batches(workers, worker)
    documents = [a_document(number) for number in range(200, 500)]
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(batches.result, documents))
    assert found == [document.url for document in documents]
