"""The embedded log: topics, groups and offsets in one SQLite file."""

from ingest.adapters.sqlite_log.log import SqliteLog

__all__ = ["SqliteLog"]
