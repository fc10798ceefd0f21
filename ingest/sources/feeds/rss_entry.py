"""Makes an entry of ours of what feedparser found in one."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import Any

from ingest.identity import joined
from ingest.ports import SourceEntry
from ingest.sources.feeds.people import authors_of
from ingest.sources.feeds.plain_title import plain_title


def source_entry(item: dict[str, Any], url: str, channel_authors: tuple[str, ...]) -> SourceEntry:
    """Give the entry; it has the authors of its channel when it names none."""
    guid = text_of(item, "id")
    published, updated = text_of(item, "published"), text_of(item, "updated")
    other = text_of(item, "created") or text_of(item, "prism_publicationdate")
    return SourceEntry(
        guid=guid,
        link=_link(item, guid, url),
        title=title_of(item, "title"),
        summary=_summary(item),
        content=_content(item),
        authors=tuple(authors_of(item)) or channel_authors,
        tags=tuple(_tags(item)),
        image=_image(item, url),
        language=text_of(item, "language"),
        published_raw=published or other or updated,
        updated_raw=updated,
    )


def _link(item: dict[str, Any], guid: str, url: str) -> str:
    """Give the article's address; a guid serves only when it is an absolute one (E5)."""
    own = _alternate(item, url)
    if own:
        return own
    link = text_of(item, "link")
    if link and not (dict.get(item, "guidislink") and not _is_absolute(guid)):
        return absolute(url, link)
    return absolute(url, guid) if _is_absolute(guid) else ""


def _alternate(item: dict[str, Any], url: str) -> str:
    """Give the first link to the entry itself that is a page, else the first of any type."""
    found = [link for link in dict.get(item, "links") or () if _relation(link) == "alternate"]
    found.sort(key=lambda link: "html" not in str(dict.get(link, "type") or "html"))
    return next(
        (address for link in found if (address := absolute(url, text_of(link, "href")))), ""
    )


def _relation(link: dict[str, Any]) -> str:
    # Names of relations may be written as the address of the register that lists them.
    return str(dict.get(link, "rel") or "alternate").rpartition("/")[2].lower()


def _is_absolute(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def links_of(holder: dict[str, Any], url: str, kinds: Iterable[str]) -> Iterator[str]:
    """Give the addresses of these relations, in the order of the document."""
    for link in dict.get(holder, "links") or ():
        href = dict.get(link, "href")
        if href and _relation(link) in kinds:
            address = absolute(url, str(href))
            if address:
                yield address


def _summary(item: dict[str, Any]) -> str:
    summary = text_of(item, "summary")
    # feedparser puts Atom content without a summary into both fields.
    return "" if summary and summary == _content(item) else summary


def _content(item: dict[str, Any]) -> str:
    values = [str(dict.get(part, "value") or "") for part in dict.get(item, "content") or ()]
    return max(values, key=len, default="")


def _tags(item: dict[str, Any]) -> list[str]:
    found: dict[str, None] = {}
    for tag in dict.get(item, "tags") or ():
        word = str(dict.get(tag, "label") or dict.get(tag, "term") or "").strip()
        if word:
            found[html.unescape(word)] = None
    return list(found)


def _image(item: dict[str, Any], url: str) -> str:
    for part in dict.get(item, "media_content") or ():
        kind = f"{dict.get(part, 'medium') or ''}{dict.get(part, 'type') or ''}"
        if "image" in kind and dict.get(part, "url"):
            return absolute(url, str(part["url"]))
    for part in dict.get(item, "media_thumbnail") or ():
        if dict.get(part, "url"):
            return absolute(url, str(part["url"]))
    for link in dict.get(item, "links") or ():
        if dict.get(link, "rel") == "enclosure" and "image" in str(dict.get(link, "type")):
            return absolute(url, str(dict.get(link, "href") or ""))
    image = dict.get(item, "image") or {}
    return absolute(url, str(dict.get(image, "href") or "")) if image else ""


def absolute(url: str, link: str) -> str:
    """Give a link joined to the address of its document; `""` for none."""
    return joined(url, link) if link.strip() else ""


def text_of(holder: dict[str, Any], name: str) -> str:
    """Give a text of feedparser's, trimmed; `""` where it has none."""
    # dict.get: feedparser's own get answers `updated` with the published date (E8).
    value = dict.get(holder, name)
    return str(value).strip() if value is not None else ""


def title_of(holder: dict[str, Any], name: str) -> str:
    """Give a title as plain text: markup and what is escaped twice undone."""
    detail = dict.get(holder, f"{name}_detail") or {}
    return plain_title(text_of(holder, name), is_html="html" in str(dict.get(detail, "type")))
