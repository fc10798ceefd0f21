"""Picks the source for a document by its content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ingest.errors import SourceError
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, Source
from ingest.sources.feeds import json_feed, news_sitemap, rss
from ingest.sources.feeds.decode_feed import decode_feed, root_name
from ingest.sources.feeds.parse_in_children import FeedBody
from ingest.sources.feeds.repair_markup import feed_root

#: feedparser holds 1.5 KB and more for each item, 75 MB for 50,000 of one line.
ITEMS_A_PIECE = 1_000
#: The parser makes several copies of a document, four bytes a character.
PIECE_CHARACTERS = 1024 * 1024
#: Shorter documents stay whole.
SHORT_CHARACTERS = 256 * 1024
#: Given the raw date of every item, `""` for none: the numbers of those to read, in their order.
Choose = Callable[[Sequence[str]], Sequence[int]]
_PUBLISHED = re.compile(
    r"<(?:[\w.-]+:)?(?:pubDate|published|issued|date|created)\s*(?:\s[^<>]*)?>"
    r"\s*(?:<!\[CDATA\[)?([^<\]]{1,100})",
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"<(?:[\w.-]+:)?(?:updated|modified)\s*(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?([^<\]]{1,100})",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<(/?)(?:[A-Za-z_][\w.-]*:)?(?:item|entry)(?=[\s/>])",
    re.DOTALL | re.IGNORECASE,
)


def parse_feed(
    body: bytes,
    url: str,
    charset: str = "",
    known: KnownItems = NOTHING_KNOWN,
    *,
    takes_plain_sitemaps: bool = False,
    choose: Choose | None = None,
) -> ParsedFeed:
    """Return what a document of any known format says. Errors: SourceError.

    Entries of `known` may be left out of `entries`: they are then listed in the answer's `known`.
    `takes_plain_sitemaps` reads sitemaps without news elements too, for a backfill. `choose` names
    the items that are read of a long document; the others are counted in `left_out`.
    """
    sitemaps = news_sitemap.NewsSitemap(takes_plain=takes_plain_sitemaps)
    sources: tuple[Source, ...] = (json_feed.build(), sitemaps)
    for source in sources:
        if source.recognises(body):
            return source.parse(body, url, charset)
    if _is_page(decode_feed(body, charset).text):
        raise SourceError(
            "a web page stands where the feed should be",
            kind="not_a_feed",
            value="root element html",
            origin=url,
            remedy="find the feed's address with `news-ingest feeds discover URL`",
        )
    return rss.build(choose).parse(body, url, charset, known)


def _is_page(text: str) -> bool:
    return root_name(text) == "html" and not feed_root(text)[0]


def build_parser(
    *, takes_plain_sitemaps: bool = False, choose: Choose | None = None
) -> Callable[[FeedBody], ParsedFeed | SourceError]:
    """Return what a child does: the target of a pool is `ingest.sources.feeds.parse_feed:build_parser`.

    The error of one document is its result, so that it crosses to the parent whole.
    """

    def work(item: FeedBody) -> ParsedFeed | SourceError:
        try:
            return parse_feed(
                item.body,
                item.url,
                item.charset,
                item.known,
                takes_plain_sitemaps=takes_plain_sitemaps,
                choose=choose,
            )
        except SourceError as error:
            return error

    return work


def only_chosen(text: str, choose: Choose) -> tuple[str, int]:
    """Return the document with the items that `choose` names, and how many others it had.

    Short documents, and those whose items are not plainly one after the other, stay whole: a
    parser takes 0.14 ms for an item of one line, 7 s for 50,000. Errors: those of `choose`.
    """
    starts, end = _items(text) if len(text) > SHORT_CHARACTERS else ([], 0)
    stops = [*starts[1:], end]
    spans = list(zip(starts, stops, strict=True)) if starts else []
    numbers = choose([_raw_date(text, start, stop) for start, stop in spans])
    if len(numbers) == len(spans):
        return text, 0
    kept = "".join(text[slice(*spans[number])] for number in numbers)
    return f"{text[: starts[0]]}{kept}{text[end:]}", len(spans) - len(numbers)


def _raw_date(text: str, start: int, stop: int) -> str:
    found = _PUBLISHED.search(text, start, stop) or _UPDATED.search(text, start, stop)
    return found[1].strip() if found else ""


def pieces_of(
    text: str, items: int = ITEMS_A_PIECE, *, longer_than: int = SHORT_CHARACTERS
) -> Iterator[str]:
    """Return documents that together have the items of this one, in its order, each with its head.

    A document whose items are not plainly one after the other is given whole. Errors: none.
    """
    starts, end = _items(text) if len(text) > longer_than else ([], 0)
    if len(starts) < 2 or (len(starts) <= items and len(text) <= PIECE_CHARACTERS):
        yield text
        return
    head, tail = text[: starts[0]], text[end:]
    first = 0
    for number, stop in enumerate([*starts[1:], end], start=1):
        is_full = number - first == items or stop - starts[first] > PIECE_CHARACTERS
        if is_full or number == len(starts):
            yield f"{head}{text[starts[first] : stop]}{tail}"
            first = number


def _items(text: str) -> tuple[list[int], int]:
    """Return where each item starts, and where the last one's end tag does; `[]` when they nest."""
    starts: list[int] = []
    end, is_open = 0, False
    for found in _ITEM.finditer(text):
        slash = found[1]
        if slash is None:
            continue
        if bool(slash) != is_open:
            return [], 0
        is_open = not is_open
        if is_open:
            starts.append(found.start())
        else:
            end = found.start()
    if is_open or not starts:
        return [], 0
    closing = text.find(">", end)
    return (starts, closing + 1) if closing > 0 else ([], 0)
