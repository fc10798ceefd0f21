"""The embedded index: versioned documents, searchable, in one SQLite file."""

from ingest.adapters.sqlite_index.index import SqliteIndex

__all__ = ["SqliteIndex"]
