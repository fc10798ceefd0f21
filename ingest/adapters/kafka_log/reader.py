"""Reads Kafka as a member of a consumer group."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import IllegalStateError, KafkaError
from kafka.structs import OffsetAndMetadata

from ingest import telemetry
from ingest.adapters.kafka_log.catalogue import Catalogue
from ingest.adapters.kafka_log.faults import translated, translating
from ingest.adapters.kafka_log.workarounds import ANSWER_SECONDS, learn_partitions
from ingest.adapters.log_rules import not_owned, records_expired
from ingest.errors import LogUnavailable
from ingest.ports import Position, Record, TopicPartition

_CLOSE_SECONDS = 5.0
#: How often an idle reader checks that its topics still exist.
_CHECK_SECONDS = 10.0

rebalanced = telemetry.Event("rebalanced", level="debug", counts="rebalances_total")
commit_failed = telemetry.Event("commit_failed", level="warning", counts="commit_failures_total")


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes changes of the assignment. Runs on the client's I/O thread: no work, no errors."""

    def __init__(self) -> None:
        self.notes: deque[tuple[str, frozenset[Any], int]] = deque()
        #: How often the partitions were taken back. That happens before this member joins again,
        #: and no other one is given them earlier.
        self.revocations = 0

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:  # noqa: ARG002
        # Range revokes all, also those that stay: "assigned" tells what is kept.
        self.revocations += 1

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        self.notes.append(("assigned", frozenset(assigned), self.revocations))

    def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        self.revocations += 1
        self.notes.append(("lost", frozenset(lost), 0))


class KafkaReader:
    """The Reader of the port. Its partitions change only inside `read`."""

    def __init__(self, catalogue: Catalogue, group: str, topics: Sequence[str], stage: str) -> None:
        """Errors: TopicMissing, LogUnavailable, LogRefused."""
        self._is_compacted = {name: catalogue.topic(name).spec.is_compacted for name in topics}
        self._catalogue = catalogue
        self._names = catalogue.names
        self._group = group
        self._stage = stage
        self._epochs: dict[TopicPartition, int] = {}
        self._epoch = 0
        #: The revocations that `_epochs` takes into account.
        self._applied = 0
        #: The next offset to come; a jump past it means that retention deleted records.
        self._expected: dict[TopicPartition, int] = {}
        self._listener = _Listener()
        self._is_closed = False
        self._checked_at = time.monotonic()
        self._consumer: Any = catalogue.clients.member(self._names.outer(group), stage)
        outer = [self._names.outer(name) for name in topics]
        self._consumer.subscribe(outer, listener=self._listener)
        learn_partitions(self._consumer, outer)

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self._is_compacted)

    def read(self, max_records: int, timeout_seconds: float) -> list[Record]:
        """Errors: LogRefused; TopicMissing once a topic is deleted; none for an outage."""
        if self._is_closed:
            return []
        until = time.monotonic() + timeout_seconds
        try:
            polled = self._consumer.poll(max(0, int(timeout_seconds * 1000)), max_records)
        except KafkaError as error:
            fault = translated(error, "reading failed", value=self._group)
            if not isinstance(fault, LogUnavailable):
                raise fault from error
            polled = {}
            time.sleep(max(0.0, until - time.monotonic()))
        self._sync_assignment()
        found = [
            self._names.record(record)
            for place, records in polled.items()
            if self._names.inner_place(place) in self._epochs
            for record in records
        ]
        if found:
            self._checked_at = time.monotonic()
            self._look_for_gaps(found)
        elif time.monotonic() - self._checked_at > _CHECK_SECONDS:
            self._check_topics()
        return found

    def assignment(self) -> Mapping[TopicPartition, int]:
        return dict(self._epochs)

    def is_moving(self) -> bool:
        return self._listener.revocations != self._applied

    def position(self, place: TopicPartition) -> int:
        self._must_own(place)
        with _asking("the position is not known", place):
            offset = self._consumer.position(
                self._names.outer_place(place), timeout_ms=ANSWER_SECONDS * 1000
            )
        if offset is None:
            raise LogUnavailable(
                "the position is not known yet", value=f"{place.topic}/{place.partition}"
            )
        return int(offset)

    def committed(self, place: TopicPartition) -> Position | None:
        with _asking("the committed offset is not known", place):
            found = self._consumer.committed(
                self._names.outer_place(place), metadata=True, timeout_ms=ANSWER_SECONDS * 1000
            )
        return None if found is None else Position(found.offset, found.metadata or "")

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        if not positions:
            return
        for place in positions:
            self._must_own(place)
        offsets = {
            self._names.outer_place(place): OffsetAndMetadata(at.offset, at.metadata, -1)
            for place, at in positions.items()
        }
        try:
            self._consumer.commit(offsets, timeout_ms=ANSWER_SECONDS * 1000)
        except KafkaError as error:
            commit_failed(stage=self._stage, error=type(error).__name__)
            raise translated(error, "offsets were not committed", value=self._group) from error

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._must_own(place)
        with _asking("the position was not moved", place):
            self._consumer.seek(self._names.outer_place(place), offset)
        self._expected.pop(place, None)

    def pause(self, places: Iterable[TopicPartition]) -> None:
        self._each(self._consumer.pause, places)

    def resume(self, places: Iterable[TopicPartition]) -> None:
        self._each(self._consumer.resume, places)

    def ends(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        wanted = [self._names.outer_place(place) for place in places]
        if not wanted:
            return {}
        with translating("the ends are not known", self._group):
            found = self._consumer.end_offsets(wanted, timeout_ms=ANSWER_SECONDS * 1000)
        return {self._names.inner_place(place): offset for place, offset in found.items()}

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._epochs.clear()
        with suppress(KafkaError):  # the session expires
            self._consumer.close(autocommit=False, timeout_ms=_CLOSE_SECONDS * 1000)

    def _sync_assignment(self) -> None:
        """Apply changes of the assignment; a kept partition keeps its epoch."""
        before = self._epochs
        while self._listener.notes:
            kind, outer, revocations = self._listener.notes.popleft()
            places = {self._names.inner_place(place) for place in outer}
            self._epoch += 1
            if kind == "lost":
                kept = self._epochs.keys() - places
                self._epochs = {place: self._epochs[place] for place in kept}
            else:
                self._epochs = {
                    place: self._epochs.get(place, self._epoch) for place in sorted(places)
                }
                self._applied = revocations
                rebalanced(stage=self._stage, group=self._group, partitions=len(places))
        fresh = [place for place, epoch in self._epochs.items() if before.get(place) != epoch]
        self._expected = {
            place: at
            for place, at in self._expected.items()
            if place in self._epochs and place not in fresh
        }
        if fresh:
            self._expect(fresh)

    def _expect(self, fresh: Sequence[TopicPartition]) -> None:
        """Note where the group stopped in new partitions, to count what retention deleted since."""
        group = self._names.outer(self._group)
        try:
            found = self._catalogue.admin.list_group_offsets(group).get(group, {})
        except KafkaError:
            return  # a gap is not counted then
        committed = {self._names.inner_place(place): at.offset for place, at in found.items()}
        for place in fresh:
            if committed.get(place, -1) >= 0:
                self._expected[place] = committed[place]

    def _look_for_gaps(self, records: Sequence[Record]) -> None:
        for record in records:
            expected = self._expected.get(record.place, record.offset)
            if record.offset > expected and not self._is_compacted[record.topic]:
                gone = record.offset - expected
                records_expired(
                    amount=gone, records=gone, stage=self._stage, topic=record.topic,
                    partition=record.partition, group=self._group,
                )  # fmt: skip
            self._expected[record.place] = record.offset + 1

    def _check_topics(self) -> None:
        """Errors: TopicMissing, but none for an outage."""
        self._checked_at = time.monotonic()
        with suppress(LogUnavailable):
            self._catalogue.must_exist(self._is_compacted)

    def _each(self, act: Callable[[Any], object], places: Iterable[TopicPartition]) -> None:
        for place in places:
            if place in self._epochs:
                with suppress(KeyError):  # a rebalance takes it away; the next read applies it
                    act(self._names.outer_place(place))

    def _must_own(self, place: TopicPartition) -> None:
        if place not in self._epochs:
            raise not_owned(place, self._group)


@contextmanager
def _asking(what: str, place: TopicPartition) -> Iterator[None]:
    """Translate errors about one partition; LeaseLost when it was revoked meanwhile."""
    try:
        yield
    except (IllegalStateError, ValueError, KeyError) as error:
        raise not_owned(place, "") from error
    except KafkaError as error:
        raise translated(error, what, value=f"{place.topic}/{place.partition}") from error
