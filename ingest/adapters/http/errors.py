"""Translates errors of aiohttp into FetchFailed and its kinds, by class and not by text."""

from __future__ import annotations

import asyncio
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


def failure(error: BaseException, url: str) -> FetchFailed:
    """Return the FetchFailed for an error of one request."""
    refused = next((e for e in _chain(error) if isinstance(e, AddressRefusedError)), None)
    if refused is not None:
        kind, what = "address_not_public", f"the address guard refused it: {refused.strerror}"
    else:
        kind, what = _kind(error), _words(error)
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


def _words(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate is not trusted: {error.certificate_error}"
    text = getattr(error, "message", "") or str(error) or "no response in time"
    return f"{type(error).__name__}: {text}"[:500]


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
