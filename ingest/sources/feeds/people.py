"""Who wrote an entry, from the several places where RSS and Atom say so."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_AROUND = " \t\r\n()<>[],;:"
_EDITOR = re.compile(
    r"<((?:\w+:)?(?:managingEditor|webMaster))\b[^>]*>(.{0,500}?)</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
_HEAD_CHARACTERS = 65_536


def authors_of(holder: dict[str, Any]) -> list[str]:
    """Give the names in an entry or channel of feedparser, each once; an address without a name."""
    raw = str(dict.get(holder, "author") or "")
    found: dict[str, None] = {}
    for person in dict.get(holder, "authors") or ():
        name = html.unescape(_name(person, raw)).strip()
        if name:
            found[name] = None
    return list(found) or list(dict.fromkeys(_elsewhere(holder)))


def authors_of_channel(channel: dict[str, Any], text: str) -> tuple[str, ...]:
    """Give who wrote all of a feed; its editor and its technician wrote none of it."""
    found = authors_of(channel)
    if not found:
        return ()
    others = html.unescape(
        " ".join(match[2] for match in _EDITOR.finditer(text[:_HEAD_CHARACTERS]))
    )
    return tuple(name for name in found if name not in others)


def _name(person: dict[str, Any], raw: str) -> str:
    name, email = str(dict.get(person, "name") or ""), str(dict.get(person, "email") or "")
    if email and email in raw:
        # feedparser cuts an address after four letters of its last part: what is left over of
        # `jon@harbour.museum` is called `um`.
        whole = _EMAIL.match(raw, raw.index(email))
        if whole is not None and len(whole[0]) > len(email):
            return raw.replace(whole[0], "").strip(_AROUND) or whole[0]
    return name or email


def _elsewhere(holder: dict[str, Any]) -> Iterator[str]:
    podcast = html.unescape(str(dict.get(holder, "googleplay_author") or "")).strip()
    if podcast:
        yield podcast
    for credit in dict.get(holder, "media_credit") or ():
        if str(dict.get(credit, "role")).lower() == "author":
            name = html.unescape(str(dict.get(credit, "content") or "")).strip()
            if name:
                yield name
