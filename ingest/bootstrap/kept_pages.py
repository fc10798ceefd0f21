"""The archive of fetched pages, as a replay reads it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ingest.bootstrap.engines import now
from ingest.model import Page
from ingest.settings.load import Settings
from ingest.sources.documents.archived_pages import archive_files, metadata_of
from ingest.sources.documents.warc import pages_of_warc

#: A file may have been written so long after its pages were fetched, and still be of the range.
_MAX_ENTRY_BYTES = 16 * 1024 * 1024


class KeptPages:
    """The files in the folder of the settings, in the order of time."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.archive_folder
        self._max_bytes = settings.pipeline.fetching.max_page_bytes + _MAX_ENTRY_BYTES

    def heads(self, since: datetime | None) -> Iterator[bytes]:
        """Give every page written since then as JSON, its bytes left out. Errors: OSError."""
        for path in archive_files(self._folder, since):
            yield from metadata_of(path, self._max_bytes)

    def pages(self, since: datetime | None) -> Iterator[Page]:
        """Give every whole page written since then; broken records are passed over."""
        for path in archive_files(self._folder, since):
            for found in pages_of_warc(str(path), now(), self._max_bytes):
                if isinstance(found, Page) and not found.path:
                    yield found
