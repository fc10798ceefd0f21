"""The feeds as they are now: config/feeds.yml, read again when it changes.

A file that would take away more than 5 % of the feeds, and more than three, waits for
`news-ingest feeds confirm`; until then the last accepted file counts. The accepted text lies
beside the file as `.feeds-accepted.yml`, so that the rule holds over a restart too.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ingest.model import Feed
from ingest.settings.feeds import FeedsFile, digest_of, feeds_of_text
from ingest.settings.yaml_file import stamp_of
from ingest.telemetry import Event

#: A reload may remove this share, or this many, without confirmation.
MAX_REMOVED_SHARE = 0.05
MAX_REMOVED_FEEDS = 3
CHECK_SECONDS = 1.0

feeds_loaded = Event("feeds_loaded")
feed_fault = Event("feed_fault", level="error")
feeds_wait_for_confirmation = Event("feeds_wait_for_confirmation", level="warning")
feeds_not_remembered = Event("feeds_not_remembered", level="warning")


class LiveFeeds:
    """Call it for the feeds of now; a new mapping only when something changed.

    `read` is what was read of feeds.yml already: the same text is not read again.
    """

    def __init__(
        self,
        folder: Path,
        *,
        read: FeedsFile | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = folder / "feeds.yml"
        self._accepted_path = accepted_path(folder)
        self._monotonic = monotonic
        self._checked_at = float("-inf")
        self._seen: tuple[object, ...] = ()
        self._feeds: Mapping[str, Feed] = {}
        self._read = read or FeedsFile({}, [])
        try:
            self._feeds = self._found(self._accepted_path.read_text(encoding="utf-8")).feeds
        except (OSError, UnicodeDecodeError):
            pass  # nothing was accepted yet

    def __call__(self) -> Mapping[str, Feed]:
        now = self._monotonic()
        if now - self._checked_at >= CHECK_SECONDS:
            self._checked_at = now
            seen = (stamp_of(self._path), stamp_of(self._accepted_path))
            if seen != self._seen:
                self._reload()
                self._seen = (stamp_of(self._path), stamp_of(self._accepted_path))
        return self._feeds

    def _reload(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            feed_fault(
                file=self._path.name, reason=str(error), remedy="the last good list stays in use"
            )
            return
        found = self._found(text)
        for fault in found.faults:
            feed_fault(**fault._asdict())
        removed = removed_feeds(self._feeds, found)
        # A block with a fault hides its feed until it is fixed: that is not a removal.
        gone = len(removed) - len(found.faults)
        if is_too_many(gone, len(self._feeds)) and not self._is_accepted(text):
            feeds_wait_for_confirmation(
                removed=len(removed), known=len(self._feeds), examples=sorted(removed)[:5],
                remedy="run `news-ingest feeds confirm` if this is meant",
            )  # fmt: skip
            return
        if not found.feeds and found.faults:
            return
        self._feeds = found.feeds
        feeds_loaded(feeds=len(found.feeds), removed=len(removed), faults=len(found.faults))
        self._remember(text)

    def _found(self, text: str) -> FeedsFile:
        if self._read.digest != digest_of(text):
            self._read = feeds_of_text(text, self._path)
        return self._read

    def _is_accepted(self, text: str) -> bool:
        try:
            return self._accepted_path.read_text(encoding="utf-8") == text
        except (OSError, UnicodeDecodeError):
            return False

    def _remember(self, text: str) -> None:
        if not self._is_accepted(text):
            try:
                remember(self._accepted_path, text)
            except OSError as error:
                feeds_not_remembered(reason=str(error), remedy="make config/ writable")


class FollowedFeeds:
    """LiveFeeds that a thread looks at, so that reading a long list holds up no poll.

    Use as a context; call it for the feeds of now.
    """

    def __init__(self, live: LiveFeeds) -> None:
        self._live = live
        self._feeds = live()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="feeds", daemon=True)

    def __call__(self) -> Mapping[str, Feed]:
        return self._feeds

    def __enter__(self) -> FollowedFeeds:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(CHECK_SECONDS):
            self._feeds = self._live()


def accepted_path(folder: Path) -> Path:
    """Return where the last accepted list lies."""
    return folder / ".feeds-accepted.yml"


def removed_feeds(known: Mapping[str, Feed], found: FeedsFile) -> set[str]:
    """Return the addresses of feeds that the new list no longer holds."""
    return {feed.url for id, feed in known.items() if id not in found.feeds}


def is_too_many(removed: int, known: int) -> bool:
    """Tell whether so many removals need a person's word."""
    return removed > MAX_REMOVED_FEEDS and removed > known * MAX_REMOVED_SHARE


def remember(path: Path, text: str) -> None:
    """Write the accepted list in one step. Errors: OSError."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
