"""Case 89: documents that no XML parser takes, and that have entries all the same."""

from __future__ import annotations

from collections.abc import Callable

from tests.farm.case import Check, Stall, case, channel, item, sent
from tests.farm.drive import Drive

_ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>t3_flood</id>'
    "<title>The flood of Port Elsin</title>"
    '<link rel="http://www.iana.org/assignments/relation/alternate" href="/a/flood"/>'
    "<updated>2026-11-16T08:00:00Z</updated></entry></feed>"
)


def _mended(
    number: str, name: str, does: str, body: Callable[[str], str | bytes], title: str
) -> None:
    @case(number, name, does=does, must="its entry is taken, with the right title")
    def _set_up(stall: Stall) -> Check:
        text = body(stall.host)
        stall.serve(sent(text if isinstance(text, bytes) else text.encode()))

        def check(drive: Drive) -> None:
            state = drive.poll(1)
            assert drive.titles == [title]
            assert drive.names == ["flood"]
            assert state.failure_score == 0

        return check


def _plain(host: str, title: str = "The flood of Port Elsin", prolog: str = "") -> str:
    document = channel(host, item("flood", host), prolog=prolog).decode()
    return document.replace("The flood of Port Elsin", title)


_mended(
    "89a", "a warning before the feed", "a program's warning in HTML, then the feed",
    lambda host: f"<br />\n<b>Warning</b>: no cache in <b>feed.php</b>\n{_plain(host)}",
    "The flood of Port Elsin",
)  # fmt: skip
_mended(
    "89b", "a script behind the feed", "a counter's script after the last tag",
    lambda host: f"{_plain(host)}\n<script>count()</script>",
    "The flood of Port Elsin",
)  # fmt: skip
_mended(
    "89c", "bare ampersands", "AT&T, and names of HTML",
    lambda host: _plain(host, "AT&T &amp; the caf&eacute; &ndash; R&D"),
    "AT&T & the café – R&D",
)  # fmt: skip
_mended(
    "89d", "entities for plain text", "a DOCTYPE that declares two names for plain text",
    lambda host: _plain(
        host, "&paper; on the flood",
        prolog='<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY paper "Elsin &#38; Co">]>',
    ),
    "Elsin & Co on the flood",
)  # fmt: skip
_mended(
    "89e", "a relative id", "Atom with an id that is no address, and a link by the register's name",
    lambda _: _ATOM,
    "The flood of Port Elsin",
)  # fmt: skip
_mended(
    "89f", "no tag closed", "ends behind the only item",
    lambda host: _plain(host).partition("</channel>")[0],
    "The flood of Port Elsin",
)  # fmt: skip
_mended(
    "89g", "EBCDIC", "a feed of a mainframe",
    lambda host: _plain(host, prolog='<?xml version="1.0" encoding="cp037"?>').encode("cp037"),
    "The flood of Port Elsin",
)  # fmt: skip
