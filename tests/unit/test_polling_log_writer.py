"""Records of many polls are made durable together, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ingest.errors import RecordRefused
from ingest.polling.log_writer import LogWriter
from ingest.records.appending import NewRecord


class _Done:
    is_done = True
    error = None


class Paper:
    """An appender that keeps what it was given, and when it was flushed."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition_key: str | None = None,
    ) -> _Done:
        if key == "refused":
            raise RecordRefused("not this one", value=key)
        self.keys.append(key)
        return _Done()

    def flush(self, timeout_seconds: float) -> None:
        self.keys.append("flush")

    def close(self) -> None:
        pass


def record(key: str) -> NewRecord:
    return NewRecord("news.feed-state", key, b"v")


def test_what_comes_in_one_round_of_the_loop_is_flushed_once() -> None:
    paper = Paper()
    writer = LogWriter(paper)

    async def work() -> None:
        await asyncio.gather(*(writer.write([record(f"{n}a"), record(f"{n}b")]) for n in range(3)))

    asyncio.run(work())
    writer.close(5)
    assert paper.keys == ["0a", "0b", "1a", "1b", "2a", "2b", "flush"]


def test_a_record_that_is_refused_fails_its_own_poll_alone() -> None:
    writer = LogWriter(Paper())

    async def work() -> list[BaseException | None]:
        return await asyncio.gather(
            writer.write([record("a")]),
            writer.write([record("refused"), record("b")]),
            writer.write([record("c")]),
            return_exceptions=True,
        )

    first, second, third = asyncio.run(work())
    writer.close(5)
    assert (first, third) == (None, None)
    assert isinstance(second, RecordRefused)


def test_one_loop_may_follow_another() -> None:
    paper = Paper()
    writer = LogWriter(paper)
    for key in "ab":
        asyncio.run(writer.write([record(key)]))
    writer.close(5)
    assert paper.keys == ["a", "flush", "b", "flush"]
