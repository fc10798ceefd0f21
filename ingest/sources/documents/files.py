"""Finds documents on disk and turns them into pages."""

from __future__ import annotations

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
from ingest.page_tags import marks_of, tags_of
from ingest.text_header import read_text_header

#: The feed id of all documents from disk.
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
_LINKS = marks_of("link|meta")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FileFound(NamedTuple):
    """A file that may be a document; it was not read yet."""

    path: str


class FileRefused(NamedTuple):
    """A file that is not a document, with an id for its drop record.

    `reason`: empty_file, wrong_type, too_large, unreadable or link_out_of_folder; `detail` explains
    it.
    """

    path: str
    reason: str
    id: str
    detail: str = ""


def list_documents(
    paths: Iterable[str | os.PathLike[str]], *, follows_links: bool = False
) -> Iterator[FileFound | FileRefused]:
    """Return every file under these paths, folders recursively, sorted by name.

    Hidden files and folders are skipped unless they are named in `paths`. A folder reached a second
    time, as in a loop of links, is skipped. Without `follows_links` a link out of the folder that
    is named is a FileRefused. Errors: none; a path that cannot be listed is a FileRefused.
    """
    visited: set[tuple[int, int]] = set()
    for path in paths:
        root = "/" if follows_links else os.path.realpath(path)
        yield from _listed(os.fspath(path), visited, root)


def read_document(path: str, max_bytes: int) -> bytes | FileRefused:
    """Return the bytes of a regular file of at most `max_bytes`. Errors: none."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return refused(path, "wrong_type", "not a regular file")
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

    The document id is that of the URL in a header block, `link rel=canonical` or `og:url`, else
    of the content. `fetched_at`, and so the version, is the modification time of the file: the
    same file is always the same version; a changed file is a newer version if it has a URL, and
    another document if it has none. Errors: none.
    """
    data = read_document(found.path, max_bytes)
    return data if isinstance(data, FileRefused) else page_of_data(found.path, data, now)


def page_of_data(path: str, data: bytes, now: datetime, name: str = "") -> Page | FileRefused:
    """Return the page of a file with this content, as `page_of_file` does. Errors: none.

    `name` is the name of the content if the ending of `path` is that of a compressed file.
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
    return Page(
        document_id=document_id,
        entry=entry_of(key, url or address, now),
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


def entry_of(key: str, url: str, first_seen_at: datetime) -> Entry:
    """Return the entry of a document from disk."""
    return Entry(
        id=identity.entry_id(FEED_ID, key),
        feed_id=FEED_ID,
        feed_url="",
        entry_key=key,
        url_published=url,
        first_seen_at=first_seen_at,
    )


def kind_of(path: str, data: bytes) -> str:
    """Return html, text, or "" for neither: by the ending, confirmed by the first bytes.

    A file without an ending is judged by its bytes; text that begins like a web page is html.
    """
    ending = os.path.splitext(path)[1].lower()
    if (ending and ending not in TEXT_ENDINGS | HTML_ENDINGS) or _is_binary(data):
        return ""
    is_html = ending in HTML_ENDINGS or bool(_LOOKS_LIKE_HTML.match(_prologue(data)))
    return "html" if is_html else "text"


def url_in(data: bytes, kind: str) -> str:
    """Return the canonical URL that a document declares; "" for none.

    The front page of a site does not count, though some sites declare it on every page.
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
    """Return the refusal of a file; the same path always has the same id."""
    shown = printable(os.path.abspath(path))
    return FileRefused(shown, reason, identity.entry_id(FEED_ID, f"path:{shown}"), detail)


def printable(path: str) -> str:
    """Return a path with bytes replaced that are not valid UTF-8, as log and JSON require."""
    return os.fsencode(path).decode("utf-8", "replace")


def _listed(
    path: str, visited: set[tuple[int, int]], root: str
) -> Iterator[FileFound | FileRefused]:
    if os.path.islink(path):
        target = os.path.realpath(path)
        if os.path.commonpath((root, target)) != root:
            yield refused(path, "link_out_of_folder", f"leads to {target}")
            return
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
            yield from _listed(os.path.join(path, name), visited, root)


def _is_binary(data: bytes) -> bool:
    sample = data[:_SAMPLE_BYTES]
    if sample.startswith(_FOREIGN):
        return True
    if sample[:2] in _UTF_16:
        return False
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return b"\x00" in sample or controls > _MAX_CONTROL_SHARE * len(sample)


def _prologue(data: bytes) -> str:
    """Return the beginning of a file as text, decoded well enough to find tags and URLs."""
    start = data[:_PROLOGUE_BYTES]
    encoding = _UTF_16.get(start[:2], "utf-8")
    return start.decode(encoding, "replace").lstrip("\ufeff").replace("\r\n", "\n")


def _urls_in_tags(prologue: str) -> list[str]:
    """Return the addresses of `link rel=canonical` and `og:url`, in this order."""
    canonical, open_graph = [], []
    for _, values in tags_of(prologue, _LINKS):
        if values.get("rel", "").lower() == "canonical":
            canonical.append(values.get("href", ""))
        elif (values.get("property") or values.get("name", "")).lower() == "og:url":
            open_graph.append(values.get("content", ""))
    return canonical + open_graph
