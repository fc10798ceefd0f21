"""Follows config/feeds.yml and reloads it when it changes.

A file that removes more than 5 % of the feeds, and more than three, must be confirmed by
`news-ingest feeds confirm`; until then the last accepted list stays in use. The accepted text is
kept next to the file as `.feeds-accepted.yml`, so that the rule survives a restart. The shipped list
is nobody's, so it may be replaced without confirmation.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from ingest.model import Feed
from ingest.settings.feeds import FeedsFile, digest_of, feeds_of_text, read_feeds
from ingest.settings.yaml_file import stamp_of
from ingest.telemetry import Event

#: Maximum share, or number, of feeds that a reload removes without confirmation.
MAX_REMOVED_SHARE = 0.05
MAX_REMOVED_FEEDS = 3
CHECK_SECONDS = 1.0
#: Digest of the shipped config/feeds.yml.
SHIPPED_DIGEST = "79a5366044270b58bc444dc2df98817bc614160f9186836246adc7e521c84b38"
CONFIRM = "run `news-ingest feeds confirm` if this is meant"

feeds_loaded = Event("feeds_loaded")
feed_fault = Event("feed_fault", level="error")
feeds_wait_for_confirmation = Event("feeds_wait_for_confirmation", level="warning")
feeds_not_remembered = Event("feeds_not_remembered", level="warning")


class LiveFeeds:
    """Returns the current feeds when called; it checks the files each time.

    `read` is the result of an earlier read: the same text is not parsed again.
    """

    def __init__(self, folder: Path, *, read: FeedsFile | None = None) -> None:
        self._path = folder / "feeds.yml"
        self._accepted_path = accepted_path(folder)
        self._seen: tuple[object, ...] = ()
        self._used = FeedsFile({}, [])
        self._read = read or self._used
        try:
            self._used = self._found(self._accepted_path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            pass  # nothing was accepted yet

    def __call__(self) -> Mapping[str, Feed]:
        stamp = stamp_of(self._path)
        if (stamp, stamp_of(self._accepted_path)) != self._seen:
            self._reload()
            # The reload may have written the accepted list, and feeds.yml may have changed again.
            self._seen = (stamp, stamp_of(self._accepted_path))
        return self._used.feeds

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
        removed = removed_feeds(self._used.feeds, found)
        if must_be_confirmed(self._used, found) and not self._is_accepted(text):
            feeds_wait_for_confirmation(
                removed=len(removed), known=len(self._used.feeds), examples=sorted(removed)[:5],
                remedy=CONFIRM,
            )  # fmt: skip
            return
        if not found.feeds and found.faults:
            return
        self._used = found
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
    """LiveFeeds checked by a thread once a second, so that loading a long list delays no poll.

    Use it as a context manager; it returns the current feeds when called.
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
    """Return the path of the last accepted list."""
    return folder / ".feeds-accepted.yml"


def removed_feeds(known: Mapping[str, Feed], found: FeedsFile) -> set[str]:
    """Return the addresses of feeds that are no longer in the list."""
    return {feed.url for id, feed in known.items() if id not in found.feeds}


def must_be_confirmed(used: FeedsFile, found: FeedsFile) -> bool:
    """Return whether this file removes too many of the feeds in use to be accepted by itself."""
    # A feed whose block has a fault is not removed.
    removed = len(removed_feeds(used.feeds, found)) - len(found.faults)
    share = len(used.feeds) * MAX_REMOVED_SHARE
    return used.digest != SHIPPED_DIGEST and removed > MAX_REMOVED_FEEDS and removed > share


def what_waits(folder: Path, found: FeedsFile) -> str:
    """Return a sentence while feeds.yml waits for `feeds confirm`; empty if it does not."""
    path = accepted_path(folder)
    used = read_feeds(path) if path.exists() else found
    if used.digest == found.digest or not must_be_confirmed(used, found):
        return ""
    removed = len(removed_feeds(used.feeds, found))
    return (
        f"removes {removed} of {len(used.feeds)} feeds and is not in use yet; "
        f"the last accepted list is: {CONFIRM}"
    )


def remember(path: Path, text: str) -> None:
    """Write the accepted list atomically. Errors: OSError."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
