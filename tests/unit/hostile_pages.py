"""Pages made to harm, each by a few lines of code. Beside those of test_extract_hostile.py.

`PAGES` maps a name to a function that gives the bytes: most are large, none is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.unit.extract_pages import ARTICLE, SENTENCES, html_of

Made = str | bytes


def _jsonld(block: str) -> str:
    return html_of(
        head=f'<title>Ferry cut</title><script type="application/ld+json">{block}</script>'
    )


def _meta(name: str, value: str) -> str:
    return html_of(head=f'<title>Ferry cut</title><meta property="{name}" content="{value}">')


def _around(opening: str, levels: int, inside: str = ARTICLE) -> str:
    closing = "".join(f"</{tag.split()[0]}>" for tag in reversed(opening.strip("<>").split("><")))
    return html_of(opening * levels + inside + closing * levels)


def _articles(count: int) -> str:
    one = {"@type": "NewsArticle", "headline": "x", "articleBody": "storm"}
    return json.dumps({"@graph": [one] * count})


PAGES: dict[str, Callable[[], Made]] = {
    # Nesting and numbers of elements
    "tables in tables": lambda: _around("<table><tr><td>", 70),
    "tables in tables, too deep": lambda: _around("<table><tr><td>", 3_000),
    "headlines in headlines": lambda: _around("<h1>", 200, ARTICLE + "<b>x</b>" * 40_000),
    "figures in figures": lambda: _around(
        "<figure>", 200, ARTICLE + '<span class="credit">x</span>' * 45_000
    ),
    "menus in menus": lambda: _around("<nav>", 200, ARTICLE + '<a href="/x">x</a>' * 45_000),
    "links in links": lambda: _around('<a href="/x">', 200),
    "templates without an end": lambda: html_of(ARTICLE + "<template>" * 2_000),
    "lists in lists": lambda: _around("<ul><li>", 120),
    "paragraphs without an end": lambda: html_of(ARTICLE + "<p>x" * 95_000),
    "bodies in bodies": lambda: html_of(ARTICLE + "<body>" * 20_000),
    "options": lambda: html_of(ARTICLE + "<select>" + "<option>x" * 90_000),
    "metas": lambda: html_of(head="<title>Ferry cut</title>" + '<meta name="a" content="b">' * 99_000),
    "authors in metas": lambda: html_of(
        head="<title>Ferry cut</title>"
        + "".join(f'<meta name="author" content="Ann Lee {number}">' for number in range(60_000))
    ),
    "pictures": lambda: html_of(ARTICLE + '<img src="/a.jpg" alt="x">' * 90_000),
    "headlines": lambda: html_of("<h1>x</h1>" * 45_000 + ARTICLE),
    "links, each another": lambda: html_of(
        ARTICLE + "".join(f'<a href="/{number}?x={number}">x</a>' for number in range(45_000))
    ),
    "frames": lambda: "<html><frameset>" + "<frame src='/x'>" * 5_000 + "</frameset></html>",
    "formats never closed": lambda: html_of(
        "".join(f"<font size={number}>" for number in range(1_500)) + "<p>x" * 1_500 + ARTICLE
    ),
    # Long values
    "a long attribute": lambda: html_of(f'<div data-state="{"x" * 2_500_000}">{ARTICLE}</div>'),
    "a long picture in the page": lambda: html_of(
        f'<img src="data:image/png;base64,{"A" * 2_500_000}">{ARTICLE}'
    ),
    "a long drawing": lambda: html_of(
        f"<svg>{'<path d=' + chr(34) + 'L 1 2 ' * 300_000 + chr(34) + '/>'}</svg>{ARTICLE}"
    ),
    "a long state in a script": lambda: html_of(
        ARTICLE + f'<script type="application/json">{json.dumps(["<p>x</p>"] * 90_000)}</script>'
    ),
    "a long title": lambda: html_of(head=f"<title>{'Ferry cut ' * 200_000}</title>"),
    "a title of separators": lambda: html_of(head=f"<title>{' | Ferry' * 100_000}</title>"),
    "a long og:title": lambda: _meta("og:title", "Ferry - cut: " * 150_000),
    "a title of entities in entities": lambda: _meta("og:title", "&amp;" * 300_000),
    "keywords": lambda: _meta("news_keywords", "a,b;" * 500_000),
    "a long language": lambda: html_of().replace('lang="en"', f'lang="{"en-" * 500_000}"'),
    "a set of sources": lambda: html_of(
        ARTICLE + f'<figure><img srcset="{"/a.jpg 100w, " * 150_000}"></figure>'
    ),
    "a long address": lambda: html_of(f'{ARTICLE}<a href="/{"x" * 2_000_000}">x</a>'),
    "a long caption": lambda: html_of(
        f'{ARTICLE}<figure><img src="/a.jpg"><figcaption>{"photo by (c) " * 100_000}</figcaption></figure>'
    ),
    "a byline of joints": lambda: _meta("author", "and und et with by " * 100_000),
    "one word": lambda: html_of(f"<p>{'x' * 2_000_000}</p>{ARTICLE}"),
    "entities": lambda: html_of(f"<p>{'&amp;&#x41;&nbsp;' * 130_000}</p>{ARTICLE}"),
    "entities that are none": lambda: html_of(f"<p>{'&xyzzy;&#99999999;&#xD800;' * 80_000}</p>{ARTICLE}"),
    # What does not end
    "a comment": lambda: html_of(f"{ARTICLE}<!-- {'storm ' * 300_000}"),
    "comments": lambda: html_of(ARTICLE + "<!--" * 90_000),
    "a text area": lambda: html_of(f"{ARTICLE}<textarea>{'storm <p>' * 90_000}"),
    "plain text": lambda: html_of(f"{ARTICLE}<plaintext>{'storm <p>' * 90_000}"),
    "a style": lambda: html_of(f"{ARTICLE}<style>{'p{} ' * 500_000}"),
    "a title without an end": lambda: f"<html><head><title>Ferry cut{ARTICLE * 200}",
    "a tag": lambda: html_of(f"{ARTICLE}<div class='{'x ' * 900_000}"),
    "a section of characters": lambda: html_of(f"{ARTICLE}<![CDATA[{'storm ' * 300_000}"),
    # Characters
    "directions turned": lambda: html_of(
        f"<p>\u202eegdirb\u202c \u2066x\u2069 \u200f{SENTENCES[0]}</p>{ARTICLE}",
        "<title>\u202eFerry\u202c cut</title>",
    ),
    "marks over a letter": lambda: html_of(f"<p>a{chr(0x301) * 900_000}</p>{ARTICLE}"),
    "marks out of order": lambda: html_of(f"<p>a{(chr(0x301) + chr(0x316)) * 450_000}</p>{ARTICLE}"),
    "marks out of order in a title": lambda: html_of(
        head=f"<title>Ferry{'&#x301;&#x316;' * 100_000}</title>"
    ),
    "nothing": lambda: b"",
    "one byte": lambda: b"<",
    "NUL": lambda: b"\x00" * 100_000,
    "NUL between letters": lambda: "\x00".join(html_of()).encode(),
    "blanks": lambda: b" \n\t" * 900_000,
    "controls": lambda: html_of().replace(" ", " \x01\x08\x1b[31m").encode(),
    # Encodings
    "two encodings": lambda: html_of("<p>Käse</p>").encode() + html_of("<p>Käse</p>").encode("latin-1"),
    "UTF-7": lambda: b"<meta charset=utf-7>+ADw-script+AD4-" + html_of().encode(),
    "a mark of UTF-8 before UTF-16": lambda: b"\xef\xbb\xbf" + html_of().encode("utf-16-le"),
    "a mark of UTF-16 before UTF-8": lambda: b"\xff\xfe" + html_of().encode(),
    "half a character of UTF-16": lambda: html_of().encode("utf-16") + b"\x41",
    "UTF-32": lambda: html_of().encode("utf-32"),
    "an encoding that packs": lambda: b"<meta charset=zlib_codec>" + html_of().encode("latin-1") + b"\xff",
    "declared twice": lambda: b"<meta charset=utf-16><meta charset=big5>" + html_of("<p>\xe4</p>").encode("latin-1"),
    # XML and JSON-LD
    "entities of XML": lambda: (
        '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY % a SYSTEM "file:///etc/passwd">%a;'
        '<!ENTITY b "storm">]>' + html_of("<p>&b; &b;</p>" + ARTICLE)
    ),
    "numbers that are none": lambda: _jsonld(
        '{"@type": "NewsArticle", "headline": "Ferry cut", "wordCount": NaN, "x": [Infinity, -Infinity]}'
    ),
    "numbers too large": lambda: _jsonld(
        '{"@type": "NewsArticle", "headline": 1e400, "datePublished": -1e999, "keywords": [1e309, 5e-324]}'
    ),
    "a broken section in JSON": lambda: _jsonld('//<![CDATA[ {"@type": "NewsArticle" ]]> ]]>'),
    "sections around JSON": lambda: _jsonld("<![CDATA[" * 40_000 + "{}" + "]]>" * 40_000),
    "articles in a graph": lambda: _jsonld(_articles(6_000)),
    "authors in JSON": lambda: _jsonld(
        json.dumps({"@type": "NewsArticle", "author": [{"name": f"Ann {n}"} for n in range(20_000)]})
    ),
    "half characters in JSON": lambda: _jsonld(
        '{"@type": "NewsArticle", "headline": "Ferry \\ud83d cut", "keywords": ["\\udc00"],'
        ' "url": "https://a.example/\\ud800", "image": "https://a.example/\\udfff.jpg",'
        ' "articleSection": "\\ud800", "inLanguage": "\\ud800", "publisher": {"name": "\\ud800"}}'
    ),
    "tags in JSON": lambda: _jsonld(
        json.dumps({"@type": "NewsArticle", "articleBody": "<" * 200_000 + "&lt;p" * 40_000})
    ),
    # Dates and addresses
    "a year too large": lambda: _jsonld(
        '{"@type": "NewsArticle", "datePublished": "99999-01-01", "dateModified": "0000-00-00T99:99:99+99:99"}'
    ),
    "dates of digits": lambda: _meta("article:published_time", "2026" + "1" * 100_000),
    "dates all over": lambda: html_of(ARTICLE + '<p class="date">31 February 20261</p>' * 40_000),
    "a zone too far": lambda: _meta("article:published_time", "2026-01-01T00:00:00+99:99"),
    "a base that runs": lambda: html_of(
        f'{ARTICLE}<a href="x">x</a>', '<title>Ferry cut</title><base href="javascript:alert(1)//">'
    ),
    "a base that is none": lambda: html_of(
        f'{ARTICLE}<a href="x">x</a>', '<title>Ferry cut</title><base href="http://[::1">'
    ),
    "a base with a password": lambda: html_of(
        f'{ARTICLE}<a href="x">x</a>', '<title>Ferry cut</title><base href="https://me:pw@a.example/">'
    ),
    "addresses that are none": lambda: html_of(
        ARTICLE + '<a href="http://[">x</a><a href="//">x</a><a href="\ud83d http://a b/">x</a>'
        '<a href="https://a.example:99999/">x</a><a href="https://xn--a/">x</a>'.replace("\ud83d", "")
    ),
}  # fmt: skip

#: Those that take a child longer than a second on a busy machine; it may even be killed for some.
HEAVY = frozenset(
    (
        "tables in tables, too deep",
        "headlines in headlines",
        "figures in figures",
        "menus in menus",
        "paragraphs without an end",
        "options",
        "metas",
        "authors in metas",
        "pictures",
        "headlines",
        "links, each another",
        "a long attribute",
        "a long picture in the page",
        "a long title",
        "a title of separators",
        "a long og:title",
        "a title of entities in entities",
        "keywords",
        "a long language",
        "a set of sources",
        "a long address",
        "a long caption",
        "a byline of joints",
        "one word",
        "entities",
        "entities that are none",
        "a text area",
        "plain text",
        "a style",
        "marks over a letter",
        "marks out of order",
        "sections around JSON",
        "articles in a graph",
        "authors in JSON",
        "dates all over",
        "bodies in bodies",
    )
)
