"""Builds the request headers of each hop, and reads response headers."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from ingest.identity import request_url
from ingest.ports import FetchRequest

#: The only request headers that are sent to another site after a redirect.
_FOR_ANY_SITE = frozenset(
    [
        "accept",
        "accept-language",
        "a-im",
        "cache-control",
        "if-modified-since",
        "if-none-match",
        "pragma",
    ]
)
#: Control characters, and lone surrogates, which represent bytes that are not UTF-8.
_UNSENDABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_WRITTEN = {name.lower(): name for name in ("User-Agent", "Accept", "Accept-Encoding")}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def headers_for_hop(request: FetchRequest, url: str, user_agent: str) -> dict[str, str]:
    """Return the headers for this hop of the request.

    These are our agent and encodings, and the request's own headers; credentials and cookies only
    for the same host and port. Values that cannot be sent (control characters, bytes that are not
    UTF-8) are left out.
    """
    headers = {
        "User-Agent": request.user_agent or user_agent,
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br, zstd",
    }
    is_own = request.url == url or _is_same_place(request_url(request.url), url)
    written = dict(_WRITTEN)
    for name, value in request.headers.items():
        lower = name.lower()
        if is_own or lower in _FOR_ANY_SITE:
            # The spelling that is already there, so the header is replaced.
            headers[written.setdefault(lower, name)] = value
    if is_own and request.basic_auth:
        packed = base64.b64encode(request.basic_auth.encode()).decode()
        headers["Authorization"] = f"Basic {packed}"
    if is_own and request.cookie:
        headers["Cookie"] = request.cookie
    return {name: value for name, value in headers.items() if not _UNSENDABLE.search(value)}


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Return response headers with lower-case names; invalid bytes become surrogate escapes."""
    return tuple(
        (name.decode("latin-1").lower(), value.decode("utf-8", "surrogateescape"))
        for name, value in raw
    )


def location_of(headers: tuple[tuple[str, str], ...]) -> str | None:
    """Return the first Location; bytes that are not UTF-8 are percent-encoded."""
    value = next((value for name, value in headers if name == "location"), None)
    if value is None or value.isascii():
        return value
    return "".join(
        f"%{ord(character) - 0xDC00:02X}" if 0xDC80 <= ord(character) <= 0xDCFF else character
        for character in value
    )


def _is_same_place(a: str, b: str) -> bool:
    """Return whether both have the same host and port, or the second is the https of the first."""
    first, second = urlsplit(a), urlsplit(b)
    if first.hostname != second.hostname:
        return False
    if first.scheme == second.scheme:
        return _port(a) == _port(b)
    is_upgrade = (first.scheme, second.scheme) == ("http", "https")
    return is_upgrade and _port(a) == 80 and _port(b) == 443


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
