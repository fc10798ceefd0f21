"""Assembles a document from a page of plain text."""

from __future__ import annotations

import re
from pathlib import PurePath

import msgspec

from ingest.dates import find_date
from ingest.model import Document, Extraction, Page, PageInfo
from ingest.settings.site_rules import NO_RULES, SiteRules
from ingest.terms import count_words
from ingest.text_header import read_text_header
from processors.extract_document.choose import SHORT_CHARACTERS, candidate, provenance
from processors.extract_document.choose.authors import (
    ChosenAuthors,
    agencies_in_text,
    choose_authors,
)
from processors.extract_document.choose.dates import (
    ChosenDate,
    choose_published,
    fallback_date,
    given,
    given_by_feed,
    is_file,
)
from processors.extract_document.flag import flags_of
from processors.extract_document.make_document import address_of, content_hash, identity_fields
from processors.extract_document.options import Options
from processors.extract_document.read import HtmlReading, limits_of
from processors.extract_document.read.decode import decode
from processors.extract_document.read.metadata import language_code
from processors.extract_document.read.tree import cut, fragment_line

_MAX_TITLE_CHARACTERS = 200
_BYLINE_WITHIN_LINES = 5
_SENTENCE_END = re.compile(r"[.;,:…][\"'”’»)]*$")
_BYLINE = re.compile(r"^(?:by|von|par|por|door)[:\s]+(?P<names>\S.{1,110})$", re.I)
_HEADING = re.compile(r"^#{1,6}\s+(?P<text>\S.*?)\s*#*$")
_DATELINE = re.compile(r"^(?P<head>[^\W\d_][^\n]{3,90}?)\s*(?:[–—]|--|\s-\s)\s*\S")
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
_DATE_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_/](\d{2})[-_/](\d{2})(?!\d)")
_WRAPPED_FROM, _WRAPPED_TO = 60, 100
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])-\n(?=[a-zß-öø-ÿ])")


def make_plain_document(
    page: Page, data: bytes, options: Options, rules: SiteRules = NO_RULES
) -> Document:
    """Return the document of a plain text, from disk or from a site; no line is dropped.

    Of `rules` only the zone and the path segments count. Errors: none.
    """
    entry = page.entry
    zone = rules.timezone or entry.timezone
    decoded = decode(data, page.content_type)
    shorter = cut(decoded.text, options.max_parsed_characters)
    found = read_plain_text(shorter, page.path, zone)
    text = cut(found.text, options.max_text_characters)
    feed_title = fragment_line(entry.title, limits_of(options), 1000)
    title, title_source = found.title, found.title_source
    if feed_title and title_source != "meta":
        title, title_source = feed_title, "feed"
    names = _names(page, found, text)
    published = _published(page, found, zone)
    flags = flags_of(
        HtmlReading(), rules, url=address_of(page), section="", title=title, text=text,
        names=(*names.people, *names.agencies, found.publisher or entry.publisher),
    )  # fmt: skip
    summary = fragment_line(entry.summary, limits_of(options), 2000)
    source = ("file" if is_file(page) else "page") if text else "none"
    language = language_code(found.language) or language_code(entry.language)
    language_source = "none" if not language else "meta" if found.language else "feed"
    return Document(
        **identity_fields(page, found.publisher),
        title=title[:1000],
        text=text,
        content_hash=content_hash(text),
        content_source=source,
        **published.fields(),
        authors=names.people,
        agencies=names.agencies,
        summary=summary,
        summary_source="feed" if summary else "",
        tags=entry.tags,
        image=entry.image,
        language_hint=language,
        word_count=count_words(text),
        **flags.values,
        extraction=Extraction(
            mode="plain",
            site_rules=rules.site,
            outcome="ok" if text else "no_text",
            characters=len(text),
            is_truncated=len(shorter) < len(decoded.text) or len(text) < len(found.text),
            is_short=len(text) < SHORT_CHARACTERS,
        ),
        page=PageInfo(
            encoding=decoded.encoding,
            encoding_source=decoded.source,
            status=page.status,
            missing_reason=page.missing_reason,
        ),
        provenance={
            "title": provenance(title, title_source, [candidate(found.title, found.title_source)]),
            "text": provenance(str(len(text)), source),
            "authors": provenance("; ".join(names.people), names.source),
            "agencies": provenance("; ".join(names.agencies), names.agencies_source),
            "published_at": published.proof(),
            "language_hint": provenance(language, language_source),
            **flags.proofs,
        },
    )


def _names(page: Page, found: PlainText, text: str) -> ChosenAuthors:
    names = choose_authors(
        [(found.authors_source, found.authors), ("feed", page.entry.authors)],
        (found.publisher, page.entry.publisher, page.domain),
    )
    in_text = () if names.agencies else agencies_in_text(text)
    return names._replace(agencies=in_text, agencies_source="page") if in_text else names


def _published(page: Page, found: PlainText, zone: str) -> ChosenDate:
    entry = page.entry
    candidates = [
        given_by_feed(
            entry.published_raw, entry.published_at, entry.is_zone_assumed, zone, entry.language
        ),
        given(found.date_source or "none", found.date, zone),
    ]
    return choose_published(
        candidates, lambda: None, fallback_date(page), entry.first_seen_at, zone
    )


class PlainText(msgspec.Struct, frozen=True, kw_only=True):
    """What a plain-text file says; raw values, "" and () for what is missing.

    `title_source`: meta (header), page (first line), h1 (Markdown heading), file (its name).
    `date_source`: meta (header), page (dateline with a year), heuristic (a part of its path),
    "" for none.
    """

    text: str
    title: str
    title_source: str
    authors: tuple[str, ...] = ()
    authors_source: str = "none"
    date: str = ""
    date_source: str = ""
    url: str = ""
    language: str = ""
    publisher: str = ""


def read_plain_text(text: str, path: str, zone_name: str = "") -> PlainText:
    """Return title, authors, date and paragraphs of a decoded text; `path` is that of its file.

    Title and byline are removed from the text, a dateline is kept. Errors: none.
    """
    header = read_text_header(text)
    values = header.values
    lines = [line.rstrip() for line in header.body.split("\n")]
    title, title_source = values.get("title", ""), "meta"
    if not title:
        title, title_source, lines = _title(lines, path)
    byline, lines = _byline(lines)
    authors = values.get("author") or byline
    body = _paragraphs(lines)
    date, date_source = _date(values.get("date", ""), body, path, zone_name)
    return PlainText(
        text=body,
        title=title,
        title_source=title_source,
        authors=(authors,) if authors else (),
        authors_source="none" if not authors else "meta" if values.get("author") else "page",
        date=date,
        date_source=date_source,
        url=values.get("url", ""),
        language=values.get("language", ""),
        publisher=values.get("publisher", ""),
    )


def _title(lines: list[str], path: str) -> tuple[str, str, list[str]]:
    """Return title, source, and the lines without it."""
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return _name(path), "file", lines
    heading = _HEADING.match(lines[first])
    if heading:
        return heading["text"], "h1", lines[first + 1 :]
    if _reads_as_title(lines, first):
        return lines[first].strip(), "page", lines[first + 1 :]
    for number, line in enumerate(lines):
        heading = _HEADING.match(line)
        if heading and line.startswith("# "):
            return heading["text"], "h1", lines[:number] + lines[number + 1 :]
    return _name(path), "file", lines


def _reads_as_title(lines: list[str], number: int) -> bool:
    line = lines[number].strip()
    rest = lines[number + 1 :]
    if len(line) > _MAX_TITLE_CHARACTERS or _SENTENCE_END.search(line):
        return False
    if not any(one.strip() for one in rest):
        return False
    following = rest[0].strip()
    if not following or _byline_names(following):
        return True
    is_wrapped = len(line) >= _WRAPPED_FROM and len(following) <= _WRAPPED_TO
    return len(following) > len(line) and not is_wrapped


def _name(path: str) -> str:
    return PurePath(path).stem.replace("_", " ").strip() if path else ""


def _byline(lines: list[str]) -> tuple[str, list[str]]:
    """Return the names of a byline among the first lines, and the lines without it."""
    seen = 0
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        seen += 1
        if seen > _BYLINE_WITHIN_LINES:
            break
        names = _byline_names(line.strip())
        if names:
            return names, lines[:number] + lines[number + 1 :]
    return "", lines


def _byline_names(line: str) -> str:
    """Return the names of a line like "By Ann Lee and Bo Ray"; "" for a sentence."""
    found = _BYLINE.match(line)
    if found is None or _SENTENCE_END.search(line):
        return ""
    words = found["names"].replace(",", " ").split()
    small = {"and", "und", "et", "y", "of", "de", "van", "von", "der", "la", "del", "bin", "al"}
    is_named = all(word[0].isupper() or word.lower() in small or word == "&" for word in words)
    return found["names"] if is_named and len(words) <= 14 else ""


def _date(header: str, body: str, path: str, zone_name: str) -> tuple[str, str]:
    if header and find_date(header, zone_name):
        return header, "meta"
    dateline = _DATELINE.match(body)
    if dateline and _YEAR.search(dateline["head"]) and find_date(dateline["head"], zone_name):
        return dateline["head"], "page"
    on_path = _DATE_IN_NAME.findall(path)
    return ("-".join(on_path[-1]), "heuristic") if on_path else ("", "")


def _paragraphs(lines: list[str]) -> str:
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            heading = _HEADING.match(line)
            blocks[-1].append(heading["text"] if heading else line.strip())
        elif blocks[-1]:
            blocks.append([])
    blocks = [block for block in blocks if block]
    if _is_wrapped(blocks):
        return "\n\n".join(_joined(block) for block in blocks)
    if len(blocks) == 1:
        return "\n\n".join(blocks[0])
    return "\n\n".join("\n".join(block) for block in blocks)


def _is_wrapped(blocks: list[list[str]]) -> bool:
    """Return whether most lines that another line follows have the length of wrapped ones."""
    inner = [len(line) for block in blocks for line in block[:-1]]
    wrapped = sum(_WRAPPED_FROM <= length <= _WRAPPED_TO for length in inner)
    return bool(inner) and wrapped > len(inner) / 2


def _joined(block: list[str]) -> str:
    return _BROKEN_WORD.sub("", "\n".join(block)).replace("\n", " ")
