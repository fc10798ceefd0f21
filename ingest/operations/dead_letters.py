"""Lists dead letters, shows one, sends them through again or gives them up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from ingest.errors import NewsIngestError
from ingest.model import DropRecord
from ingest.operations.ledger import latest
from ingest.ports import Clock, Log, Record
from ingest.records.appending import BatchAppender, NewRecord, append_all
from ingest.records.outputs import drop_output
from ingest.records.stage_plan import StagePlan
from ingest.settings.topics import DEAD_LETTER

MAX_REPLAYS = 3


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One record that waits for a person."""

    key: str
    topic: str
    stage: str
    failure_class: str
    reason: str
    message: str
    failed_at: str
    attempts: int
    replays: int
    id: str
    entry_id: str
    url: str
    record: Record

    @property
    def failed(self) -> datetime:
        return (
            datetime.fromisoformat(self.failed_at)
            if self.failed_at
            else datetime.min.replace(tzinfo=UTC)
        )


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters are meant; "" and None mean any."""

    topic: str = ""
    stage: str = ""
    failure_class: str = ""
    reason: str = ""
    since: datetime | None = None
    key: str = ""
    limit: int = 0


class Cleared(NamedTuple):
    """How many letters were taken away; those whose successor the log refused stay."""

    done: int
    refused: tuple[tuple[DeadLetter, NewsIngestError], ...]


def listed(log: Log, plans: Iterable[StagePlan], chosen: Chosen) -> list[DeadLetter]:
    """Return the dead letters that wait and fit, oldest first."""
    topics = sorted({plan.dead_letter_topic for plan in plans})
    found = [
        _read(topic, key, record) for topic in topics for key, record in latest(log, topic).items()
    ]
    fitting = sorted((one for one in found if _fits(one, chosen)), key=lambda one: one.failed)
    return fitting[: chosen.limit] if chosen.limit else fitting


def replay(log: Log, letters: Iterable[DeadLetter], *, is_forced: bool = False) -> Cleared:
    """Append each input to its topic again, then take the dead letter away.

    The tombstone is written only after the input is acknowledged, so a crash in between sends
    it twice and loses nothing. Errors: NewsIngestError when one was replayed three times
    already and `is_forced` is false; LogUnavailable.
    """
    wanted = list(letters)
    for letter in wanted:
        if letter.replays >= MAX_REPLAYS and not is_forced:
            raise NewsIngestError(
                f"has already been replayed {letter.replays} times", value=letter.key,
                origin=letter.topic, remedy="fix the cause first, or use --force",
            )  # fmt: skip
    return _cleared(log, wanted, _again)


def drop(log: Log, letters: Iterable[DeadLetter], clock: Clock) -> Cleared:
    """Discard each dead letter: a record in `news.drops`, then the tombstone."""
    return _cleared(log, letters, lambda letter: _drop_of(letter, clock()))


def _cleared(
    log: Log, letters: Iterable[DeadLetter], successor: Callable[[DeadLetter], NewRecord]
) -> Cleared:
    """Append what follows each letter; bury those whose successor the log acknowledged."""
    done: list[DeadLetter] = []
    refused: list[tuple[DeadLetter, NewsIngestError]] = []

    def tell(letter: DeadLetter, error: NewsIngestError | None) -> None:
        if error is None:
            done.append(letter)
        else:
            refused.append((letter, error))

    with closing(log.appender()) as appender:
        batch = BatchAppender(appender, tell)
        for letter in letters:
            batch.add(successor(letter), letter)
        batch.flush()
        append_all(appender, [NewRecord(letter.topic, letter.key, None) for letter in done])
    return Cleared(len(done), tuple(refused))


def _again(letter: DeadLetter) -> NewRecord:
    record = letter.record
    kept = [pair for pair in record.headers if not pair[0].startswith(("dead-letter.", "retry."))]
    return NewRecord(
        topic=record.header("dead-letter.topic") or letter.topic.removesuffix(DEAD_LETTER),
        key=record.header("dead-letter.key") or letter.id,
        value=record.value,
        headers=[*kept, ("dead-letter.replays", str(letter.replays + 1).encode())],
        partition_key=record.header("ce_partitionkey"),
    )


def _drop_of(letter: DeadLetter, now: datetime) -> NewRecord:
    record = DropRecord(
        id=letter.id or letter.key, entry_id=letter.entry_id, stage=letter.stage,
        reason=f"dead_letter_{letter.reason}", is_intended=False, url=letter.url, at=now,
    )  # fmt: skip
    return drop_output(record)


def _read(topic: str, key: str, record: Record) -> DeadLetter:
    def of(name: str) -> str:
        return record.header(f"dead-letter.{name}") or ""

    return DeadLetter(
        key=key,
        topic=topic,
        stage=of("stage"),
        failure_class=of("class"),
        reason=of("reason"),
        message=of("message"),
        failed_at=of("failed-at"),
        attempts=int(of("attempts") or 0),
        replays=int(of("replays") or 0),
        id=of("id"),
        entry_id=of("entry-id"),
        url=of("url"),
        record=record,
    )


def _fits(letter: DeadLetter, chosen: Chosen) -> bool:
    return (
        chosen.topic in ("", letter.topic, letter.topic.removesuffix(DEAD_LETTER))
        and chosen.stage in ("", letter.stage)
        and chosen.failure_class in ("", letter.failure_class)
        and chosen.reason in ("", letter.reason)
        and (chosen.since is None or letter.failed >= chosen.since)
        and chosen.key in ("", letter.key, letter.id, letter.entry_id)
    )
