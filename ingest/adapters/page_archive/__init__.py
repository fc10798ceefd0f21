"""The archive of fetched pages: WARC files in a folder."""

from ingest.adapters.page_archive.archive import PageArchive
from ingest.adapters.page_archive.rewriting import FileChange, forget_pages

__all__ = ["FileChange", "PageArchive", "forget_pages"]
