"""Chooses the id of the document that an entry and its page become."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlsplit

from ingest.errors import DependencyUnavailable, IndexDiffers, IndexFault, IndexRefused
from ingest.identity import canonical_url, document_id_of_url, is_home_page, joined, same_site
from ingest.model import Entry
from ingest.page_tags import marks_of, tags_of, text_of
from ingest.ports import Known
from ingest.telemetry import Event

#: Maximum number of documents kept in memory, which the index may not show yet.
MEMORY = 50_000
#: How long a lookup may take, and how long the index is not asked after one that failed.
LOOKUP_SECONDS = 5.0
LOOKUP_PAUSE_SECONDS = 30.0
#: Share of the shorter title's letter pairs that the longer one must hold to be the same title:
#: page titles have the publisher's name, feed titles are cut or edited.
TITLE_LIKENESS = 0.6
#: Path segments of login, consent and paywall pages that articles are redirected to.
_WALLS = re.compile(
    r"account|anmelden|captcha|challenge|connexion|consent|cookie-?wall|gdpr|log-?in|logout|paywall|"
    r"privacy-wall|register|registrierung|sign-?in|sign-?up|sso|subscribe|subscription|zustimmung"
)

Lookup = Callable[[list[str]], Mapping[str, Known]]
Tracking = Callable[[str], tuple[str, ...]]

#: Bytes of a page to search.
HEAD_BYTES = 64 * 1024
_MARKS = marks_of("link|meta", stops_at_body=True)
_HTML_TAG = re.compile(r"<html\b([^<>]{0,2048})>", re.IGNORECASE)
#: The attribute of an AMP page: amp or ⚡, with or without a variation selector.
_AMP_MARK = re.compile(r"(?:^|\s)(?:amp|\u26a1\ufe0f?)(?=[\s=/]|$)", re.IGNORECASE)
_QUOTED = re.compile(r""""[^"]{0,2048}"|'[^']{0,2048}'""")


lookup_failed = Event("id_lookup_failed", level="warning", counts="id_lookup_failures_total")


class Identity(NamedTuple):
    """The id of a document and its canonical URL."""

    document_id: str
    canonical: str


class _Remembered(NamedTuple):
    entry_id: str
    title: str


class DocumentIds:
    """Chooses ids, and remembers recent ones.

    `known` queries the index and may block: it runs in a thread. While the index does not answer,
    what is remembered has to do. `tracking` returns additional tracking parameters of a URL
    (config/sites.yml).
    """

    def __init__(self, known: Lookup, tracking: Tracking = lambda _: ()) -> None:
        self._known = known
        self._tracking = tracking
        self._documents: OrderedDict[str, _Remembered] = OrderedDict()
        self._entries: OrderedDict[str, Identity] = OrderedDict()
        self._lock = Lock()
        self._asks_again_at = 0.0

    def restore(self, entry_id: str, document_id: str, title: str) -> None:
        """Remember what was chosen earlier, perhaps by another process. May run in any thread."""
        if entry_id not in self._entries:
            self._remember(entry_id, title, Identity(document_id, ""))

    async def of_page(self, entry: Entry, url_final: str, body: bytes) -> Identity:
        """Return the identity of a page that was fetched from `url_final`.

        In order: the earlier id of this entry; the id of its URL before the slug was edited, if
        that is known; the page's canonical link or og:url; the final URL; the published URL. The
        page's own and the final one do not count if another entry with another title has that id:
        a consent wall or a section page would merge many articles into one.
        Errors: IndexRefused, IndexDiffers of the lookup.
        """
        addresses = own_addresses(body, url_final)
        if not is_home_page(url_final):
            addresses.append(url_final)
        return await self._of(entry, [one for one in addresses if not _is_wall(one)])

    async def without_page(self, entry: Entry) -> Identity:
        """Return the identity of an entry whose page could not be fetched."""
        return await self._of(entry, [])

    async def _of(self, entry: Entry, addresses: list[str]) -> Identity:
        chosen = await self._chosen(entry, [self._identity(one) for one in addresses])
        self._remember(entry.id, entry.title, chosen)
        return chosen

    async def _chosen(self, entry: Entry, candidates: list[Identity]) -> Identity:
        published = self._identity(entry.url_published)
        earlier = self._entries.get(entry.id)
        if earlier is not None and earlier.canonical and not entry.previous_url:
            return earlier
        newest = candidates[0] if candidates else published
        if earlier is not None:
            return Identity(earlier.document_id, newest.canonical)
        previous = self._identity(entry.previous_url).document_id if entry.previous_url else ""
        asked = {one.document_id for one in candidates} - {published.document_id} | {previous}
        known = await self._looked_up(asked - {""})
        if previous in known:
            return Identity(previous, newest.canonical)
        for candidate in candidates:
            other = known.get(candidate.document_id)
            if other is None or _is_same(entry, other):
                return candidate
        return published

    async def _looked_up(self, ids: set[str]) -> dict[str, _Remembered]:
        with self._lock:
            found = {id: self._documents[id] for id in ids if id in self._documents}
        rest = sorted(ids - set(found))
        if not rest or time.monotonic() < self._asks_again_at:
            return found
        try:
            lookup = asyncio.to_thread(self._known, rest)
            known = await asyncio.wait_for(lookup, LOOKUP_SECONDS)
        except (IndexRefused, IndexDiffers):
            raise
        except (DependencyUnavailable, IndexFault, TimeoutError) as error:
            self._asks_again_at = time.monotonic() + LOOKUP_PAUSE_SECONDS
            lookup_failed(cause=str(error) or f"no answer within {LOOKUP_SECONDS:.0f} s")
            return found
        return found | {id: _Remembered(one.entry_id, one.title) for id, one in known.items()}

    def _identity(self, url: str) -> Identity:
        canonical = canonical_url(url, self._tracking(url))
        return Identity(document_id_of_url(canonical), canonical)

    def _remember(self, entry_id: str, title: str, chosen: Identity) -> None:
        with self._lock:
            self._documents.setdefault(chosen.document_id, _Remembered(entry_id, title))
            self._documents.move_to_end(chosen.document_id)
            self._entries[entry_id] = chosen
            self._entries.move_to_end(entry_id)
            if len(self._documents) > MEMORY:
                self._documents.popitem(last=False)
            if len(self._entries) > MEMORY:
                self._entries.popitem(last=False)


def have_like_titles(first: str, second: str) -> bool:
    """Return whether two titles may be of one article; True if one is empty."""
    one, other = _pairs(first), _pairs(second)
    if not one or not other:
        return True
    return len(one & other) >= TITLE_LIKENESS * min(len(one), len(other))


def _is_same(entry: Entry, other: _Remembered) -> bool:
    return other.entry_id == entry.id or have_like_titles(entry.title, other.title)


def _pairs(title: str) -> set[str]:
    text = re.sub(r"\W+", " ", title).casefold().strip()
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _is_wall(url: str) -> bool:
    return any(map(_WALLS.fullmatch, urlsplit(url).path.lower().split("/")))


def own_addresses(body: bytes, url: str) -> list[str]:
    """Return the URLs that the page at `url` declares as its own, the most trusted first.

    Shape: `<link rel=canonical>`, then `og:url`, absolute; only those of the same site that are
    not its home page. Only the head counts, since a body may hold text of readers. Errors: none.
    """
    found: dict[str, str] = {}
    for tag, attributes in tags_of(text_of(body[:HEAD_BYTES]), _MARKS):
        if tag == "link" and "canonical" in attributes.get("rel", "").lower().split():
            found.setdefault("canonical", attributes.get("href", ""))
        elif tag == "meta" and attributes.get("property", "").lower() == "og:url":
            found.setdefault("og:url", attributes.get("content", ""))
    links = [found[name] for name in ("canonical", "og:url") if found.get(name)]
    addresses = dict.fromkeys(joined(url, link) for link in links)
    return [address for address in addresses if _is_own_page(address, url)]


def amp_canonical(body: bytes, url: str) -> str:
    """Return the original of the AMP page at `url`, or `""`.

    Shape: its canonical link, if that is on the same site, not its home page, and not `url`.
    Errors: none.
    """
    head = text_of(body[:HEAD_BYTES])
    tag = _HTML_TAG.search(head)
    if tag is None or not _AMP_MARK.search(_QUOTED.sub("", tag[1])):
        return ""
    for name, attributes in tags_of(head, _MARKS):
        if name == "link" and "canonical" in attributes.get("rel", "").lower().split():
            address = joined(url, attributes.get("href", ""))
            is_other = canonical_url(address) != canonical_url(url)
            return address if _is_own_page(address, url) and is_other else ""
    return ""


def _is_own_page(address: str, url: str) -> bool:
    return bool(address) and same_site(address, url) and not is_home_page(address)
