"""The tables of the embedded log."""

from __future__ import annotations

#: Written into the header of the file, so files of other programs are recognised.
APPLICATION_ID = 0x4E694C67
VERSION = 2

READING = ("PRAGMA query_only=ON", "PRAGMA cache_size=-4096")

#: FULL: an acknowledged record survives a power cut. The WAL is truncated after a checkpoint.
WRITING = (
    "PRAGMA synchronous=FULL",
    "PRAGMA cache_size=-16384",
    "PRAGMA wal_autocheckpoint=1000",
    "PRAGMA journal_size_limit=67108864",
)

#: These only work on an empty file.
CREATION = ("PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA journal_mode=WAL")

#: `partition.bytes` and `record.size` count key, headers and value: what retention_bytes means.
#: Times within a partition never decrease, so a time can be searched for by offset. `checksum` is
#: empty in records of version 1.
TABLES = (
    """
    CREATE TABLE topic (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        partitions INTEGER NOT NULL,
        cleanup TEXT NOT NULL,
        retention_seconds REAL,
        retention_bytes INTEGER,
        max_record_bytes INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE partition (
        topic INTEGER NOT NULL,
        partition INTEGER NOT NULL,
        start_offset INTEGER NOT NULL DEFAULT 0,
        next_offset INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        last_appended_at_ms INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (topic, partition)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE record (
        id INTEGER PRIMARY KEY,
        topic INTEGER NOT NULL,
        partition INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        is_compacted INTEGER NOT NULL,
        appended_at_ms INTEGER NOT NULL,
        size INTEGER NOT NULL,
        key BLOB NOT NULL,
        headers BLOB,
        value BLOB,
        checksum INTEGER
    )
    """,
    "CREATE UNIQUE INDEX record_place ON record (topic, partition, offset)",
    "CREATE INDEX record_key ON record (topic, partition, key) WHERE is_compacted",
    """
    CREATE INDEX record_tombstone ON record (topic, partition, appended_at_ms)
    WHERE is_compacted AND value IS NULL
    """,
    """
    CREATE TABLE group_offset (
        group_name TEXT NOT NULL,
        topic INTEGER NOT NULL,
        partition INTEGER NOT NULL,
        committed_offset INTEGER NOT NULL,
        metadata TEXT NOT NULL,
        generation INTEGER NOT NULL,
        committed_at_ms INTEGER NOT NULL,
        PRIMARY KEY (group_name, topic, partition)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE lease (
        group_name TEXT PRIMARY KEY,
        generation INTEGER NOT NULL,
        owner TEXT,
        lease_until_ms INTEGER NOT NULL,
        lease_ms INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE member (
        group_name TEXT NOT NULL,
        member TEXT NOT NULL,
        lease_until_ms INTEGER NOT NULL,
        last_read_at_ms INTEGER NOT NULL,
        PRIMARY KEY (group_name, member)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE retention (id INTEGER PRIMARY KEY CHECK (id = 1), ran_at_ms INTEGER NOT NULL)",
    "INSERT INTO retention VALUES (1, 0)",
    f"PRAGMA application_id={APPLICATION_ID}",
    f"PRAGMA user_version={VERSION}",
)

#: What makes a file of version 1 one of version 2.
UPGRADE = ("ALTER TABLE record ADD COLUMN checksum INTEGER", f"PRAGMA user_version={VERSION}")
