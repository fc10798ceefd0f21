"""The archive of fetched pages: WARC files in a folder."""

from ingest.adapters.page_archive.archive import PageArchive
from ingest.adapters.page_archive.files import forget_pages

__all__ = ["PageArchive", "forget_pages"]
