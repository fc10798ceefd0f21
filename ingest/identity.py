"""Names of things: ids, the URL values of a document, domains, versions. All pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import ada_url

from ingest.tracking_parameters import BY_SITE, EVERYWHERE

if TYPE_CHECKING:
    from tldextract import TLDExtract

_BLANKS = "".join(map(chr, range(33)))  # trimmed by the WHATWG parser: C0 controls and the space
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Reserved names (RFC 2606): not in the list of public suffixes, which is not loaded for them.
_RESERVED = frozenset({"example", "invalid", "localhost", "test"})
_BREAKS = "\t\r\n"
_WEB = ("http://", "https://")
_CHOICES = "?#@["
_RELATIVE = ("/", "?", "#", ".")  # no scheme begins so
_FOLDED_HOSTS = ("www.", "m.", "mobile.", "amp.")
#: Versions of one fetch: itself and its replays.
GENERATIONS = 1000
_AMP_PARAMETERS = frozenset({"amp", "amp=1", "amp=true", "outputtype=amp"})
_AMP_ENDINGS = ("/amp", "/amp.html", ".amp.html", ".amp")


def entry_id(feed_id: str, entry_key: str) -> str:
    """Return the id of an entry: 32 hex digits, from the feed id and the key in that feed."""
    return _sha256(f"{feed_id}\0{entry_key}")[:32]


def feed_id_of_url(url: str) -> str:
    """Return the id of a feed without an id in the configuration: 12 hex digits."""
    return _sha256(url.strip())[:12]


def document_id_of_url(canonical: str) -> str:
    """Return the id of the document at this canonical URL: 32 hex digits."""
    return _sha256(canonical)[:32]


def document_id_of_content(data: bytes) -> str:
    """Return the id of a document from disk that has no URL: 32 hex digits."""
    return hashlib.sha256(data).hexdigest()[:32]


def version_of(fetched_at: datetime, generation: int = 0) -> int:
    """Return the external version of a write: fetch time in ms × 1000 + replay generation.

    A later fetch always has a greater version than any generation of an earlier one; generations
    above 999 count as 999, times before 1970 as 1970. Errors: none for aware times.
    """
    milliseconds = max(0, (fetched_at - _EPOCH) // timedelta(milliseconds=1))
    return milliseconds * GENERATIONS + max(0, min(generation, GENERATIONS - 1))


def generation_of(version: int) -> int:
    """Return the replay generation of a version; 0 for the fetch itself."""
    return version % GENERATIONS


def raised(version: int, known: int | None = None) -> int:
    """Return the version of a replay: one generation above this version and above `known`.

    `known` is the version in the index; it is ignored if it belongs to another fetch. The highest
    generation is 999: then the version stays. Errors: none.
    """
    fetch = version // GENERATIONS
    if known is not None and known // GENERATIONS == fetch:
        version = max(version, known)
    return min(version + 1, fetch * GENERATIONS + GENERATIONS - 1)


def canonical_url(url: str, more_tracking: Iterable[str] = ()) -> str:
    """Return the canonical form of an http or https URL, which identifies a document.

    It is the WHATWG form without credentials, tracking parameters and fragment, except a fragment
    that starts with `#!` or `#/`. The rest of the query keeps its bytes and its order. `""` for
    anything that is not an absolute http(s) URL. `more_tracking` are further parameters to remove,
    in lower case; a name that ends in `*` is a prefix.
    Errors: none, whatever the text.
    """
    parsed = _canonical(url, tuple(more_tracking))
    return "" if parsed is None else str(parsed.href)


def match_key(url: str) -> str:
    """Return a lossy form that tells whether two URLs may be of one article; it is never requested.

    It is host, path and sorted query, without scheme, `www.`, `m.`, AMP forms and the last slash;
    `""` for anything that is not an http(s) URL. Errors: none.
    """
    usual = _match_key_as_usual(_web_address(url))
    if usual is not None:
        return usual
    parsed = _canonical(url, ())
    if parsed is None:
        return ""
    pairs = parsed.search.removeprefix("?").split("&")
    pairs = sorted(pair for pair in pairs if pair and pair.lower() not in _AMP_PARAMETERS)
    port = f":{parsed.port}" if parsed.port else ""
    query = "?" + "&".join(pairs) if pairs else ""
    place = f"{_folded_host(parsed.hostname)}{port}{_folded_path(parsed.pathname)}"
    return f"{place}{query}{parsed.hash}"


def _web_address(url: str) -> str:
    """Return the WHATWG form of an http or https URL, or `""`, by one call of the parser."""
    try:
        href: str = ada_url.normalize_url(url)
    except ValueError:  # not a URL, or a lone surrogate
        return ""
    return href if href.startswith(_WEB) else ""


def _match_key_as_usual(href: str) -> str | None:
    """Return the match key of a URL without query, fragment and credentials, in half the time.

    None for any other URL.
    """
    if any(mark in href for mark in _CHOICES):
        return None
    if not href:
        return ""
    host, _, path = href.partition("://")[2].partition("/")
    name, colon, port = host.partition(":")
    return f"{_folded_host(name)}{colon}{port}{_folded_path(f'/{path}')}"


def joined(base: str, link: str) -> str:
    """Return `link` as an absolute http(s) URL, resolved against `base`.

    An absolute link is returned as written, trimmed; a relative one is joined to the base.
    Credentials are removed. `""` if it is not an http(s) URL. Errors: none.
    """
    trimmed = link.strip(_BLANKS)
    usual = _joined_as_usual(base, trimmed)
    if usual is not None:
        return usual
    # `http:x` is relative to a base of the same scheme; two slashes make a link absolute.
    absolute = _parsed(trimmed) if "//" in trimmed[:8] else None
    parsed = absolute or _parsed(trimmed, base.strip(_BLANKS)) or _parsed(trimmed)
    if parsed is None:
        return ""
    if absolute is not None and _is_written_plainly(trimmed, absolute):
        return trimmed
    parsed.username = parsed.password = ""
    href: str = parsed.href
    return href


def _joined_as_usual(base: str, link: str) -> str | None:
    """Return the joined form of a link as most are written, in a third of the time; else None.

    Without an `@` there are no credentials to remove.
    """
    if "@" in link:
        return None
    if link.startswith(_WEB):
        is_plain = not any(character in link for character in _BREAKS)
        return link if is_plain and ada_url.check_url(link) else None
    if not link.startswith(_RELATIVE):
        return None
    try:
        href: str = ada_url.join_url(base.strip(_BLANKS), link)
    except ValueError:
        return ""
    return href if href.startswith(_WEB) and "@" not in href else None


@lru_cache(maxsize=8_192)
def request_url(url: str) -> str:
    """Return the URL to request: the WHATWG form without credentials and fragment, or `""`.

    International host names become A-labels, numeric hosts become addresses.
    """
    href = _web_address(url)
    if "@" in href or "#" in href:
        parsed = ada_url.URL(href)
        parsed.username = parsed.password = ""
        del parsed.hash
        href = parsed.href
    return href


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address: `https://news.example`."""
    parts = urlsplit(request_url(url))
    return f"{parts.scheme}://{parts.netloc}"


@lru_cache(maxsize=8_192)
def host_of(url_or_host: str) -> str:
    """Return the host in lower case and as A-labels, without port and brackets, or `""`."""
    text = url_or_host.strip(_BLANKS)
    usual = _host_as_usual(_web_address(text if "://" in text else f"http://{text}"))
    if usual:
        return usual
    parsed = _any(text) if "://" in text else _any(f"http://{text}") or _any(f"http://[{text}]")
    if parsed is None:
        return ""
    hostname: str = parsed.hostname
    return hostname.strip("[]").rstrip(".")


def _host_as_usual(href: str) -> str:
    """Return the host of a URL without credentials or IPv6 address in half the time, else `""`."""
    place = href.partition("://")[2].partition("/")[0]
    if "@" in place or "[" in place:
        return ""
    return place.partition(":")[0].rstrip(".")


def is_home_page(url: str) -> bool:
    """Return whether this URL is the front page of a site: no path and no query."""
    parsed = _parsed(canonical_url(url))
    return parsed is not None and parsed.pathname == "/" and not parsed.search


def registrable_domain(url_or_host: str, *, with_private: bool = False) -> str:
    """Return the registered domain of one owner: the key for politeness and for records.

    It follows the ICANN section of the public suffix list (`a.blogspot.com` → `blogspot.com`), or
    also the private section (`a.blogspot.com`) for questions of trust. Under an unknown suffix
    such as `.example` it is the last two labels; for an IP address, `localhost` or a suffix it is
    the host; `""` without a host. Errors: none.
    Source: the public suffix list shipped with tldextract, offline.
    """
    return _registrable(host_of(url_or_host), with_private)


def same_site(a: str, b: str) -> bool:
    """Return whether both have one owner, so that one address may speak for the other."""
    domain = registrable_domain(a, with_private=True)
    return bool(domain) and domain == registrable_domain(b, with_private=True)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _any(text: str, base: str | None = None) -> ada_url.URL | None:
    """Return the URL of any scheme; None for a text that is not one or has a lone surrogate."""
    try:
        return ada_url.URL(text) if base is None else ada_url.URL(text, base)
    except ValueError:
        return None


def _parsed(text: str, base: str | None = None) -> ada_url.URL | None:
    url = _any(text, base)
    return url if url is not None and url.protocol in ("http:", "https:") else None


def _canonical(url: str, more_tracking: tuple[str, ...]) -> ada_url.URL | None:
    """Return the URL without credentials, tracking and unused fragment; None as `_parsed`."""
    parsed = _parsed(url)
    if parsed is None:
        return None
    href: str = parsed.href
    if "@" in href:
        parsed.username, parsed.password = "", ""
    if "?" in href:
        query = parsed.search.removeprefix("?")
        kept = _without_tracking(query, parsed.hostname, more_tracking)
        if kept:
            parsed.search = f"?{kept}"  # without it, a leading question mark of `kept` is lost
        else:
            del parsed.search
    if "#" in href and not parsed.hash.startswith(("#!", "#/")):
        del parsed.hash
    return parsed


def _is_written_plainly(text: str, url: ada_url.URL) -> bool:
    has_credentials = bool(url.username or url.password)
    has_breaks = any(character in text for character in _BREAKS)
    return "//" in text[:8] and not has_credentials and not has_breaks


def _without_tracking(query: str, host: str, more: tuple[str, ...]) -> str:
    names = BY_SITE.get(_registrable(host, False), {})
    kept = [pair for pair in query.split("&") if not _is_tracking(pair, names, more)]
    return "&".join(kept)


_PREFIXES = tuple(name[:-1] for name in EVERYWHERE if name.endswith("*"))


def _is_tracking(pair: str, names: dict[str, str], more: tuple[str, ...]) -> bool:
    name = pair.partition("=")[0].lower()
    if "%" in name:
        name = unquote(name).lower()
    if name in EVERYWHERE or name in names or name.startswith(_PREFIXES):
        return True
    return any(
        name.startswith(other[:-1]) if other.endswith("*") else name == other for other in more
    )


@lru_cache(maxsize=8_192)
def _folded_host(host: str) -> str:
    host = host.rstrip(".")
    for label in _FOLDED_HOSTS:
        rest = host.removeprefix(label)
        if rest != host and "." in rest and _registrable(rest, False) == _registrable(host, False):
            host = rest
    return host


def _folded_path(path: str) -> str:
    path = path.rstrip("/")
    for ending in _AMP_ENDINGS:
        if path.lower().endswith(ending):
            return path[: -len(ending)].rstrip("/")
    return path.removeprefix("/amp") if path.startswith("/amp/") else path


@lru_cache(maxsize=65_536)
def _registrable(host: str, with_private: bool) -> str:
    host = host.strip("[]").rstrip(".")
    if ":" in host or not host:
        return host
    labels = host.split(".")
    if labels[-1].isdigit():
        return host
    if labels[-1] in _RESERVED:
        return ".".join(labels[-2:])
    parts = _suffixes().extract_str(host, include_psl_private_domains=with_private)
    if parts.suffix:
        return parts.top_domain_under_public_suffix or host
    return ".".join(labels[-2:])


@cache
def _suffixes() -> TLDExtract:
    """Return the list of public suffixes, imported late because it imports an HTTP client.

    Nothing is downloaded: the list shipped in the package is used.
    """
    from tldextract import TLDExtract

    return TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)
