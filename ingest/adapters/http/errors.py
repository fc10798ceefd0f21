"""Translates errors of aiohttp into FetchFailed and its kinds, by class and not by text."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterator

import aiohttp
from aiohttp import http_exceptions

from ingest.errors import FetchFailed

#: Codes of c-ares for a name that does not exist; all others may be temporary (pycares.errno).
_UNKNOWN_NAME_CODES = (1, 4)  # ARES_ENODATA, ARES_ENOTFOUND


class AddressRefusedError(OSError):
    """The guard refused an address. An OSError, since aiohttp passes only those on unchanged."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(None, f"{address} is not allowed: {reason}")
        self.address = address
        self.reason = reason


#: The kind of each class; the first match counts, so special classes come first.
KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ServerFingerprintMismatch, "tls"),
    (aiohttp.ClientHttpProxyError, "connect"),
    (aiohttp.TooManyRedirects, "too_many_redirects"),
    (aiohttp.InvalidURL, "bad_url"),
    (aiohttp.NonHttpUrlClientError, "bad_url"),
    (aiohttp.RedirectClientError, "bad_url"),
    (TimeoutError, "timeout"),
    (aiohttp.ClientOSError, "connect"),
    (aiohttp.ClientConnectionError, "connect"),
    (aiohttp.ClientError, "bad_response"),
    (http_exceptions.HttpProcessingError, "bad_response"),
    (ssl.SSLError, "tls"),
    (OSError, "connect"),
    (ValueError, "bad_url"),
)
#: Errors that the adapter catches around one request.
REQUEST_ERRORS: tuple[type[BaseException], ...] = (
    aiohttp.ClientError,
    http_exceptions.HttpProcessingError,
    asyncio.TimeoutError,
    OSError,
    ValueError,
)

#: The library has no class for this.
_TOO_MANY = "Too many headers"

_REMEDIES = {
    "address_not_public": "add sites of your own network to address_guard.allowed",
    "tls": "check the site's certificate; `verify_tls: false` is for one feed only",
    "name_unknown": "check the spelling of the address",
    "dns_temporary": "check that this machine reaches its DNS server",
}


#: What happened, by kind; `_words` adds the reason where there is one to tell.
_WORDS = {
    "name_unknown": "the host name was not found",
    "dns_temporary": "the host name could not be looked up",
    "connect": "the connection failed",
    "timeout": "timed out: no answer in time",
    "tls": "no secure connection",
    "bad_url": "the address cannot be requested",
    "bad_response": "the answer is not valid HTTP",
}


def failure(error: BaseException, url: str) -> FetchFailed:
    """Return the FetchFailed for an error of one request."""
    refused = next((e for e in _chain(error) if isinstance(e, AddressRefusedError)), None)
    if refused is not None:
        kind, what = "address_not_public", f"the address guard refused it: {refused.strerror}"
    else:
        kind = _kind(error)
        what = _words(error, kind)
    return FetchFailed(what, kind=kind, value=url, remedy=_REMEDIES.get(kind))


def is_about_headers(error: BaseException) -> bool:
    """Return whether a response was refused for the length or number of its headers."""
    return any(
        isinstance(one, http_exceptions.LineTooLong) or _TOO_MANY in str(one)
        for one in _chain(error)
    )


def _kind(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _name_kind(error)
    if isinstance(error, aiohttp.ClientPayloadError) and any(
        isinstance(e, ConnectionResetError | BrokenPipeError) for e in _chain(error)
    ):
        return "connect"
    return next(kind for known, kind in KINDS if isinstance(error, known))


def _name_kind(error: BaseException) -> str:
    for cause in _chain(error):
        code = cause.args[0] if cause.args else None
        if type(cause).__name__ == "DNSError" and code in _UNKNOWN_NAME_CODES:
            return "name_unknown"
    return "dns_temporary"


def _words(error: BaseException, kind: str) -> str:
    if kind in ("name_unknown", "dns_temporary", "timeout"):
        return _WORDS[kind]
    text = getattr(error, "message", "") or str(error)
    if kind == "connect" and not isinstance(error, aiohttp.ClientHttpProxyError):
        text = "the server closed it without an answer"
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLError):
            text = getattr(cause, "reason", None) or text  # missing in aiohttp's own classes
            if said := getattr(cause, "verify_message", ""):
                text = f"the certificate is not trusted: {said}"
        elif isinstance(cause, OSError) and cause.errno and kind == "connect":
            text = os.strerror(cause.errno).lower()
    return f"{_WORDS.get(kind, 'the request failed')}: {text}"[:500]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException | None] = [error]
    for current in seen:
        if current is None:
            continue
        yield current
        inner = getattr(current, "os_error", None)
        for other in (inner, current.__cause__, current.__context__):
            if other is not None and other not in seen and len(seen) < 20:
                seen.append(other)
