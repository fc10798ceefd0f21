"""The archive of fetched pages: WARC files in a folder."""

from ingest.adapters.page_archive.archive import PageArchive

__all__ = ["PageArchive"]
