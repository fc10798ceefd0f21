"""Topics of the embedded log: looked up, compared with their specs, created and altered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import astuple

from ingest.adapters.log_rules import SPEC_FIELDS, missing, must_not_shrink, spec_differences
from ingest.adapters.sqlite_log.database import Connection
from ingest.ports import TopicSpec

#: A change by another process is seen after this at the latest.
_KNOWN_FOR_SECONDS = 5.0
#: The columns of the table are the fields of a spec.
_COLUMNS = ", ".join(SPEC_FIELDS)
_MARKS = ", ".join("?" * len(SPEC_FIELDS))


class Topic(NamedTuple):
    """One topic as it exists, with its id in the tables."""

    id: int
    spec: TopicSpec


class Topics:
    """Caches topics for some seconds; thread-safe."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Topic]] = {}

    def get(self, name: str, connect: Callable[[], Connection]) -> Topic:
        """Return the topic of this name. Errors: TopicMissing."""
        until, topic = self._known.get(name, (0.0, None))
        if topic is None or time.monotonic() >= until:
            topic = _must_find(connect(), name)
            self._known[name] = (time.monotonic() + _KNOWN_FOR_SECONDS, topic)
        return topic

    def forget(self) -> None:
        self._known.clear()


def differences(connection: Connection, specs: Sequence[TopicSpec]) -> list[str]:
    """Return a sentence for each difference between the topics and their specs."""
    return [line for spec in specs for line in _differences(connection, spec)]


def apply(connection: Connection, specs: Sequence[TopicSpec]) -> list[str]:
    """Create and alter inside the caller's transaction and return what was done.

    Errors: TopicDiffers where partitions would have to be removed; nothing is done then.
    """
    found = [_find(connection, spec.name) for spec in specs]
    must_not_shrink({one.spec.name: one.spec.partitions for one in found if one}, specs)
    return [sentence for spec in specs for sentence in _apply_one(connection, spec)]


def _differences(connection: Connection, spec: TopicSpec) -> list[str]:
    found = _find(connection, spec.name)
    return spec_differences(None if found is None else found.spec, spec)


def _apply_one(connection: Connection, spec: TopicSpec) -> list[str]:
    found = _find(connection, spec.name)
    done = _differences(connection, spec)
    if found is None:
        connection.change(f"INSERT INTO topic ({_COLUMNS}) VALUES ({_MARKS})", astuple(spec))  # noqa: S608
        _add_partitions(connection, _must_find(connection, spec.name).id, 0, spec.partitions)
        return [f"topic {spec.name} created with {spec.partitions} partitions"]
    if done:
        connection.change(
            f"UPDATE topic SET ({_COLUMNS}) = ({_MARKS}) WHERE id = ?",  # noqa: S608
            (*astuple(spec), found.id),
        )
        _add_partitions(connection, found.id, found.spec.partitions, spec.partitions)
        if found.spec.is_compacted != spec.is_compacted:
            _change_compaction(connection, found.id, spec.is_compacted)
    return [
        sentence.replace("should be", "is now").replace(" is ", " was ", 1) for sentence in done
    ]


def _add_partitions(connection: Connection, topic: int, first: int, end: int) -> None:
    connection.change_each(
        "INSERT INTO partition (topic, partition) VALUES (?, ?)",
        [(topic, partition) for partition in range(first, end)],
    )


def _change_compaction(connection: Connection, topic: int, will_be_compacted: bool) -> None:
    connection.change(
        "UPDATE record SET is_compacted = ? WHERE topic = ?", (will_be_compacted, topic)
    )
    if not will_be_compacted:
        return
    connection.change(
        "DELETE FROM record WHERE topic = ? AND is_compacted AND EXISTS ("
        " SELECT 1 FROM record AS newer WHERE newer.topic = record.topic"
        " AND newer.partition = record.partition AND newer.key = record.key"
        " AND newer.is_compacted AND newer.offset > record.offset)",
        (topic,),
    )
    connection.change(
        "UPDATE partition SET bytes = (SELECT coalesce(sum(size), 0) FROM record"
        " WHERE record.topic = partition.topic AND record.partition = partition.partition)"
        " WHERE topic = ?",
        (topic,),
    )


def _must_find(connection: Connection, name: str) -> Topic:
    found = _find(connection, name)
    if found is None:
        raise missing(name)
    return found


def _find(connection: Connection, name: str) -> Topic | None:
    row = connection.first(f"SELECT id, {_COLUMNS} FROM topic WHERE name = ?", (name,))  # noqa: S608
    if row is None:
        return None
    return Topic(row[0], TopicSpec(**dict(zip(SPEC_FIELDS, row[1:], strict=True))))
