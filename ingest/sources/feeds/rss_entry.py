"""Converts an entry of feedparser, with its title, links and authors."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ingest.identity import joined
from ingest.ports import SourceEntry
from ingest.sources.feeds.decode_feed import HEAD_CHARACTERS

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_AROUND = " \t\r\n()<>[],;:"
_EDITOR = re.compile(
    r"<((?:\w+:)?(?:managingEditor|webMaster))\b[^>]*>(.{0,500}?)</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)

#: Maximum length of a title; longer ones are text in the wrong element.
MAX_TITLE_CHARACTERS = 5_000
# Elements that are never shown, with their content.
_UNSEEN = re.compile(
    r"<!--.*?-->|<(script|style)\b[^>]*>.*?(?:</\1\s*>|\Z)|<!\[CDATA\[|\]\]>",
    re.DOTALL | re.IGNORECASE,
)
# Attributes may contain a `>`; if a quote is not closed, the tag ends at the next `>`.
_TAG = re.compile(r"</?[A-Za-z!?](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_BROKEN_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")
_BLANKS = re.compile(r"\s+")


def source_entry(item: dict[str, Any], url: str, channel_authors: tuple[str, ...]) -> SourceEntry:
    """Return the entry, with the authors of the channel if it has none."""
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


def links_of(holder: dict[str, Any], url: str, kinds: Iterable[str]) -> Iterator[str]:
    """Return the URLs of these relations in the order of the document."""
    for link in dict.get(holder, "links") or ():
        href = dict.get(link, "href")
        if href and _relation(link) in kinds:
            address = absolute(url, str(href))
            if address:
                yield address


def text_of(holder: dict[str, Any], name: str) -> str:
    """Return a field of feedparser as trimmed text, or `""`."""
    # dict.get: feedparser's own get returns the published date for `updated`.
    value = dict.get(holder, name)
    return str(value).strip() if value is not None else ""


def title_of(holder: dict[str, Any], name: str) -> str:
    """Return a title as plain text, without markup and double escapes."""
    detail = dict.get(holder, f"{name}_detail") or {}
    return plain_title(text_of(holder, name), is_html="html" in str(dict.get(detail, "type")))


def authors_of(holder: dict[str, Any]) -> list[str]:
    """Return the distinct authors of an entry or channel: their names, else their addresses."""
    raw = str(dict.get(holder, "author") or "")
    found: dict[str, None] = {}
    for person in dict.get(holder, "authors") or ():
        name = html.unescape(_person_name(person, raw)).strip()
        if name:
            found[name] = None
    return list(found) or list(dict.fromkeys(_elsewhere(holder)))


def authors_of_channel(channel: dict[str, Any], text: str) -> tuple[str, ...]:
    """Return the authors of a channel, without its editor and webmaster."""
    found = authors_of(channel)
    if not found:
        return ()
    others = html.unescape(" ".join(match[2] for match in _EDITOR.finditer(text[:HEAD_CHARACTERS])))
    return tuple(name for name in found if name not in others)


def plain_title(text: str, *, is_html: bool = False) -> str:
    """Return a title in one line, without references and, if it `is_html`, without markup."""
    text = text[:MAX_TITLE_CHARACTERS]
    if is_html and "<" in text:
        text = _BROKEN_TAG.sub("", _TAG.sub("", _UNSEEN.sub("", text)))
    if "&" in text:
        text = html.unescape(text)
    return _BLANKS.sub(" ", text).strip()


def absolute(url: str, link: str) -> str:
    """Return a link joined to the URL of its document; `""` for an empty link."""
    return joined(url, link) if link.strip() else ""


def _link(item: dict[str, Any], guid: str, url: str) -> str:
    """Return the URL of the article; a guid is used only if it is an absolute URL."""
    own = _alternate(item, url)
    if own:
        return own
    link = text_of(item, "link")
    if link and not (dict.get(item, "guidislink") and not _is_absolute(guid)):
        return absolute(url, link)
    return absolute(url, guid) if _is_absolute(guid) else ""


def _alternate(item: dict[str, Any], url: str) -> str:
    """Return the first link to the entry that is an HTML page, else the first of any type."""
    found = [link for link in dict.get(item, "links") or () if _relation(link) == "alternate"]
    found.sort(key=lambda link: "html" not in str(dict.get(link, "type") or "html"))
    return next(
        (address for link in found if (address := absolute(url, text_of(link, "href")))), ""
    )


def _relation(link: dict[str, Any]) -> str:
    # A relation may be written as its URL in the registry.
    return str(dict.get(link, "rel") or "alternate").rpartition("/")[2].lower()


def _is_absolute(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


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


def _person_name(person: dict[str, Any], raw: str) -> str:
    name, email = str(dict.get(person, "name") or ""), str(dict.get(person, "email") or "")
    if email and email in raw:
        # feedparser cuts an address after four letters of its last label: for
        # `jon@harbour.museum` the remaining name is `um`.
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
