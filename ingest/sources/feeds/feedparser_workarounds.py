"""Workarounds for slow spots of feedparser 6.0.14; nothing else here touches its internals.

Together they take 40 % of the time of a feed of fifty short entries (13.6 to 8.3 ms). Each has a
test in tests/unit/test_sources_feedparser_workarounds.py that shows the slow spot in the library
alone, and fails once the library has removed it: then the workaround can go. docs/upstream.md
holds the reports.
"""

from __future__ import annotations

import copy
import time
from functools import lru_cache
from typing import Any

#: At each start tag feedparser joins the base of the document to itself; so many pairs are kept.
_JOINED_PAIRS = 256
#: Dates are read from their raw text: what feedparser makes of them is unread.
_NO_DATE = time.gmtime(0)


def quicken(feedparser: Any) -> None:
    """Set them all up, once a process; each only where the library still looks as it did."""
    # Public, and no workaround: date handlers of one's own come first.
    feedparser.registerDateHandler(lambda _: _NO_DATE)
    if hasattr(feedparser.api, "PREFERRED_XML_PARSERS"):
        # The Python of libxml2 would be looked for on the disk for each document.
        feedparser.api.PREFERRED_XML_PARSERS = []
    mixin = getattr(feedparser, "mixin", None)
    join = getattr(mixin, "make_safe_absolute_uri", None)
    if mixin is not None and join is not None and not hasattr(join, "cache_info"):
        mixin.make_safe_absolute_uri = lru_cache(maxsize=_JOINED_PAIRS)(join)
    marks = getattr(mixin, "_cp1252", None)
    if mixin is not None and isinstance(marks, dict) and all(mark < 256 for mark in marks):
        # A table in which each character is found: the dictionary raises a KeyError for each
        # character of each text that it does not change.
        mixin._cp1252 = "".join(marks.get(mark, chr(mark)) for mark in range(256))
    feedparser.util.FeedParserDict.__deepcopy__ = _copied


def _copied(self: dict[str, Any], memo: dict[int, Any]) -> dict[str, Any]:
    """Return a deep copy without asking how such an object is made; most hold only texts."""
    made = type(self)()
    memo[id(self)] = made
    for name, value in dict.items(self):
        dict.__setitem__(made, name, value if type(value) is str else copy.deepcopy(value, memo))
    return made
