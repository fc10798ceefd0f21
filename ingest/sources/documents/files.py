"""Finds documents on disk and makes pages of them."""

from __future__ import annotations

import html
import os
import re
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import zstandard

from ingest import identity
from ingest.model import Entry, Page
from ingest.text_header import read_text_header

#: The feed id of everything from disk.
FEED_ID = "files"
TEXT_ENDINGS = frozenset((".txt", ".text", ".md", ".markdown"))
HTML_ENDINGS = frozenset((".html", ".htm", ".xhtml"))
_PROLOGUE_BYTES = 128 * 1024
_SAMPLE_BYTES = 8192
_MAX_CONTROL_SHARE = 0.05
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\x0c\r\x1b") + b"\x7f"
_FOREIGN = (b"%PDF", b"{\\rtf", b"%!PS")
_LOOKS_LIKE_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,500}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.I | re.S,
)
_TAG = re.compile(r"<(?:link|meta)\b[^<>]{0,4000}>", re.I)
_ATTRIBUTE = re.compile(r"""([a-z:-]{1,30})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)


class FileFound(NamedTuple):
    """A file that may be a document; nothing of it was read yet."""

    path: str


class FileRefused(NamedTuple):
    """A file that is none, with an id for the drop that is written of it.

    `reason`: empty_file, wrong_type, too_large or unreadable; `detail` in words.
    """

    path: str
    reason: str
    id: str
    detail: str = ""


def list_documents(paths: Iterable[str | os.PathLike[str]]) -> Iterator[FileFound | FileRefused]:
    """Return every file under these paths, folders recursively, sorted by name.

    Shape: hidden files and folders are left out unless named themselves. Links are followed;
    a folder reached a second time, as in a loop of links, is passed over.
    Errors: none; what cannot be listed comes as FileRefused.
    """
    visited: set[tuple[int, int]] = set()
    for path in paths:
        yield from _listed(os.fspath(path), visited)


def read_document(path: str, max_bytes: int) -> bytes | FileRefused:
    """Return the bytes of a regular file of at most `max_bytes`. Errors: none."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return refused(path, "wrong_type", "no regular file")
        if found.st_size > max_bytes:
            return refused(path, "too_large", f"{found.st_size} bytes, at most {max_bytes}")
        with open(path, "rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        return refused(path, "unreadable", error.strerror or str(error))
    if len(data) > max_bytes:
        return refused(path, "too_large", f"over {max_bytes} bytes")
    return data


def page_of_file(found: FileFound, now: datetime, max_bytes: int) -> Page | FileRefused:
    """Return the page of a file, ready for the extract stage.

    The document id is that of the URL that a header block, `link rel=canonical` or `og:url`
    names, else of the content. `fetched_at` and so the version is when the file was changed: the
    same file again is the same version, a changed one with a URL is a newer version, one
    without is another document. Errors: none.
    """
    data = read_document(found.path, max_bytes)
    return data if isinstance(data, FileRefused) else page_of_data(found.path, data, now)


def page_of_data(path: str, data: bytes, now: datetime, name: str = "") -> Page | FileRefused:
    """Return the page of a file whose bytes are these, as `page_of_file` does. Errors: none.

    `name` has the ending that tells what they are, where that of the path tells of a wrapping.
    """
    if not data.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        return refused(path, "empty_file")
    kind = kind_of(name or path, data)
    if not kind:
        return refused(path, "wrong_type", "neither plain text nor HTML")
    try:
        changed_at = datetime.fromtimestamp(os.stat(path).st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        changed_at = now
    return make_page(path, data, kind, now=now, changed_at=changed_at)


def make_page(path: str, data: bytes, kind: str, *, now: datetime, changed_at: datetime) -> Page:
    """Return the page of these bytes; `kind` is html or text. Pure."""
    address = Path(printable(os.path.abspath(path))).as_uri()
    url = url_in(data, kind)
    document_id = identity.document_id_of_url(url) if url else identity.document_id_of_content(data)
    key = url or f"content:{document_id}"
    fetched_at = max(min(changed_at, now), _EPOCH)
    entry = Entry(
        id=identity.entry_id(FEED_ID, key),
        feed_id=FEED_ID,
        feed_url="",
        entry_key=key,
        url_published=url or address,
        first_seen_at=now,
    )
    return Page(
        document_id=document_id,
        entry=entry,
        url_canonical=url or address,
        url_match_key=identity.match_key(url),
        url_final=url or address,
        domain=identity.registrable_domain(url) if url else "",
        fetched_at=fetched_at,
        version=identity.version_of(fetched_at),
        kind=kind,
        body=zstandard.ZstdCompressor(level=3).compress(data),
        content_type="text/html" if kind == "html" else "text/plain",
        path=printable(os.path.abspath(path)),
    )


def kind_of(path: str, data: bytes) -> str:
    """Return html, text, or "" for neither: by the ending, confirmed by the first bytes.

    A file without an ending is what its bytes look like; text that begins as a web page is one.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending and ending not in TEXT_ENDINGS | HTML_ENDINGS:
        return ""
    if _is_binary(data):
        return ""
    is_html = ending in HTML_ENDINGS or bool(_LOOKS_LIKE_HTML.match(_prologue(data)))
    return "html" if is_html else "text"


def url_in(data: bytes, kind: str) -> str:
    """Return the canonical URL that a document names for itself; "" for none.

    The front of a site is no address of an article, though some sites name it on every page.
    """
    prologue = _prologue(data)
    if kind == "text":
        named = [read_text_header(prologue).values.get("url", "")]
    else:
        named = _urls_in_tags(prologue)
    for raw in named:
        url = identity.canonical_url(raw)
        if url and not identity.is_home_page(url):
            return url
    return ""


def refused(path: str, reason: str, detail: str = "") -> FileRefused:
    """Return the refusal of a file; its id is always the same for the same path."""
    shown = printable(os.path.abspath(path))
    return FileRefused(shown, reason, identity.entry_id(FEED_ID, f"path:{shown}"), detail)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _listed(path: str, visited: set[tuple[int, int]]) -> Iterator[FileFound | FileRefused]:
    try:
        found = os.stat(path)
        if not stat.S_ISDIR(found.st_mode):
            yield FileFound(path)
            return
        place = (found.st_dev, found.st_ino)
        if place in visited:
            return
        visited.add(place)
        names = sorted(os.listdir(path))
    except OSError as error:
        yield refused(path, "unreadable", error.strerror or str(error))
        return
    for name in names:
        if not name.startswith("."):
            yield from _listed(os.path.join(path, name), visited)


def _is_binary(data: bytes) -> bool:
    sample = data[:_SAMPLE_BYTES]
    if sample.startswith(_FOREIGN):
        return True
    if sample[:2] in _UTF_16:
        return False
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return b"\x00" in sample or controls > _MAX_CONTROL_SHARE * len(sample)


def _prologue(data: bytes) -> str:
    """Return the beginning of a file as text, good enough for names and addresses."""
    start = data[:_PROLOGUE_BYTES]
    encoding = _UTF_16.get(start[:2], "utf-8")
    return start.decode(encoding, "replace").lstrip("\ufeff").replace("\r\n", "\n")


def _urls_in_tags(prologue: str) -> list[str]:
    """Return the addresses of `link rel=canonical` and `og:url`, in this order."""
    canonical, open_graph = [], []
    for tag in _TAG.finditer(prologue):
        pairs = ((name, a or b or c) for name, a, b, c in _ATTRIBUTE.findall(tag[0]))
        values = {name.lower(): html.unescape(value).strip() for name, value in pairs}
        if values.get("rel", "").lower() == "canonical":
            canonical.append(values.get("href", ""))
        elif (values.get("property") or values.get("name", "")).lower() == "og:url":
            open_graph.append(values.get("content", ""))
    return canonical + open_graph


def printable(path: str) -> str:
    """Return a path without bytes that are not valid UTF-8, which neither log nor JSON can hold."""
    return os.fsencode(path).decode("utf-8", "replace")
