"""Topics of the embedded log: what exists, how it differs from the manifest, making it so."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ingest.adapters.sqlite_log.database import Connection
from ingest.errors import TopicDiffers, TopicMissing
from ingest.ports import TopicSpec

#: What another process changed about a topic is seen after this at the latest.
_KNOWN_FOR_SECONDS = 5.0
_COLUMNS = "id, name, partitions, cleanup, retention_seconds, retention_bytes, max_record_bytes"


class Topic:
    """One topic as it exists, with its id in the tables."""

    __slots__ = ("id", "is_compacted", "spec")

    def __init__(self, id: int, spec: TopicSpec) -> None:
        self.id = id
        self.spec = spec
        self.is_compacted = is_compacted(spec)


class Topics:
    """Remembers topics for some seconds; safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Topic]] = {}

    def recall(self, name: str) -> Topic | None:
        """Give a topic looked up a moment ago; None when it must be looked up again."""
        known = self._known.get(name)
        return known[1] if known is not None and time.monotonic() < known[0] else None

    def get(self, connection: Connection, name: str) -> Topic:
        """Give the topic of this name. Errors: TopicMissing."""
        topic = self.recall(name)
        if topic is None:
            topic = _find(connection, name)
            if topic is None:
                raise TopicMissing(
                    "the topic does not exist", value=name, remedy="run `news-ingest setup`"
                )
            self._known[name] = (time.monotonic() + _KNOWN_FOR_SECONDS, topic)
        return topic

    def forget(self) -> None:
        self._known.clear()


def is_compacted(spec: TopicSpec) -> bool:
    """Tell whether only the last record of a key is kept."""
    return "compact" in spec.cleanup.split(",")


def differences(connection: Connection, specs: Sequence[TopicSpec]) -> list[str]:
    """Give a sentence for each difference; none when all is as the manifest says."""
    return [
        sentence for spec in specs for sentence in _differences(_find(connection, spec.name), spec)
    ]


def apply(connection: Connection, specs: Sequence[TopicSpec]) -> list[str]:
    """Create and alter, inside the caller's transaction; gives what was done.

    Errors: TopicDiffers where partitions would have to be taken away; nothing is done then.
    """
    for spec in specs:
        found = _find(connection, spec.name)
        if found is not None and found.spec.partitions > spec.partitions:
            raise TopicDiffers(
                f"the topic has {found.spec.partitions} partitions, which cannot become fewer",
                value=spec.name,
                remedy=f"set its partitions back to {found.spec.partitions}",
            )
    return [sentence for spec in specs for sentence in _apply_one(connection, spec)]


def _differences(found: Topic | None, spec: TopicSpec) -> list[str]:
    if found is None:
        return [f"topic {spec.name} is missing"]
    return [
        f"topic {spec.name}: {field} is {_shown(is_now)}, should be {_shown(should_be)}"
        for field, is_now, should_be in (
            (field, getattr(found.spec, field), getattr(spec, field))
            for field in spec.__struct_fields__
        )
        if is_now != should_be
    ]


def _shown(value: object) -> str:
    if value is None:
        return "unlimited"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _apply_one(connection: Connection, spec: TopicSpec) -> list[str]:
    found = _find(connection, spec.name)
    done = _differences(found, spec)
    if found is None:
        connection.change(
            f"INSERT INTO topic ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            _values(spec),
        )
        _add_partitions(connection, _must_find(connection, spec.name).id, 0, spec.partitions)
        return [f"topic {spec.name} created with {spec.partitions} partitions"]
    if done:
        connection.change(
            "UPDATE topic SET name = ?, partitions = ?, cleanup = ?, retention_seconds = ?,"
            " retention_bytes = ?, max_record_bytes = ? WHERE id = ?",
            (*_values(spec), found.id),
        )
        _add_partitions(connection, found.id, found.spec.partitions, spec.partitions)
        if found.is_compacted != is_compacted(spec):
            _change_compaction(connection, found.id, is_compacted(spec))
    return [
        sentence.replace("should be", "is now").replace(" is ", " was ", 1) for sentence in done
    ]


def _values(spec: TopicSpec) -> tuple[object, ...]:
    return (spec.name, spec.partitions, spec.cleanup, spec.retention_seconds,
            spec.retention_bytes, spec.max_record_bytes)  # fmt: skip


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
        raise TopicMissing("the topic does not exist", value=name)
    return found


def _find(connection: Connection, name: str) -> Topic | None:
    row = connection.first(f"SELECT {_COLUMNS} FROM topic WHERE name = ?", (name,))  # noqa: S608
    if row is None:
        return None
    id, name, partitions, cleanup, seconds, size, max_record_bytes = row
    return Topic(
        id,
        TopicSpec(
            name=name,
            partitions=partitions,
            cleanup=cleanup,
            retention_seconds=seconds,
            retention_bytes=size,
            max_record_bytes=max_record_bytes,
        ),
    )
