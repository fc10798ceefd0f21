"""The embedded index: versioned documents, searchable, in one SQLite file (elasticsearch.md §6)."""

from ingest.adapters.sqlite_index.index import SqliteIndex

__all__ = ["SqliteIndex"]
