"""Lists, replays and drops dead letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from ingest.errors import NewsIngestError
from ingest.model import DropRecord
from ingest.ports import Clock, Log, Record
from ingest.records.appending import BatchAppender, NewRecord, append_all
from ingest.records.outputs import drop_output
from ingest.records.reading import latest
from ingest.records.stage_plan import StagePlan
from ingest.settings.topics import DEAD_LETTER

MAX_REPLAYS = 3
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One record that failed and waits for the operator."""

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
        """When it failed; long ago if its header does not say so."""
        try:
            at = datetime.fromisoformat(self.failed_at)
        except ValueError:
            return _LONG_AGO
        return at if at.tzinfo else _LONG_AGO


class LetterFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters to list; "" and None match any."""

    topic: str = ""
    stage: str = ""
    failure_class: str = ""
    reason: str = ""
    since: datetime | None = None
    key: str = ""
    limit: int = 0


class Cleared(NamedTuple):
    """The number of letters removed, and those that stay because the log refused a record."""

    done: int
    refused: tuple[tuple[DeadLetter, NewsIngestError], ...]


def listed(log: Log, plans: Iterable[StagePlan], chosen: LetterFilter) -> list[DeadLetter]:
    """Return the matching dead letters, oldest first."""
    topics = sorted({plan.dead_letter_topic for plan in plans})
    found = [
        _read(topic, key, record) for topic in topics for key, record in latest(log, topic).items()
    ]
    matching = sorted((one for one in found if _matches(one, chosen)), key=lambda one: one.failed)
    return matching[: chosen.limit or None]


def replay(log: Log, letters: Iterable[DeadLetter], *, is_forced: bool = False) -> Cleared:
    """Append each input to its topic again, then delete the dead letter.

    The tombstone is written only after the input is acknowledged, so a crash in between sends
    the input twice and loses nothing. Errors: NewsIngestError when one was replayed three times
    already and `is_forced` is false; LogUnavailable.
    """
    wanted = list(letters)
    for letter in wanted:
        if letter.replays >= MAX_REPLAYS and not is_forced:
            raise NewsIngestError(
                f"has already been replayed {letter.replays} times", value=letter.key,
                origin=letter.topic, remedy="fix the cause first, or use --force",
            )  # fmt: skip
    return _clear(log, wanted, _again)


def drop(log: Log, letters: Iterable[DeadLetter], clock: Clock) -> Cleared:
    """Discard each dead letter: write a record to `news.drops`, then the tombstone."""
    return _clear(log, letters, lambda letter: _drop_of(letter, clock()))


def _clear(
    log: Log, letters: Iterable[DeadLetter], successor: Callable[[DeadLetter], NewRecord]
) -> Cleared:
    """Append the successor of each letter; delete the letters whose successor was acknowledged."""
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
        attempts=record.number("dead-letter.attempts"),
        replays=record.number("dead-letter.replays"),
        id=of("id"),
        entry_id=of("entry-id"),
        url=of("url"),
        record=record,
    )


def _matches(letter: DeadLetter, chosen: LetterFilter) -> bool:
    return (
        chosen.topic in ("", letter.topic, letter.topic.removesuffix(DEAD_LETTER))
        and chosen.stage in ("", letter.stage)
        and chosen.failure_class in ("", letter.failure_class)
        and chosen.reason in ("", letter.reason)
        and (chosen.since is None or letter.failed >= chosen.since)
        and chosen.key in ("", letter.key, letter.id, letter.entry_id)
    )
