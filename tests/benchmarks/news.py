"""News made in code: articles, their web pages and feeds, the same for every run of one seed.

The sentences are invented and mean nothing, but they have what real ones have for the stages:
some 700 words an article, a name every twenty words, quotes, figures, dates; and pages of 60 to
100 KB around them with scripts, navigation, teasers and metadata, as news sites send them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape

import msgspec
import zstandard

from ingest import identity
from ingest.model import Document, Entry, Page
from tests.benchmarks import words

BEGAN_AT = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


class Story(msgspec.Struct, frozen=True):
    """One invented article."""

    number: int
    host: str
    title: str
    author: str
    summary: str
    paragraphs: tuple[str, ...]
    published_at: datetime

    @property
    def path(self) -> str:
        return f"/{self.published_at:%Y/%m/%d}/article-{self.number}"

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.path}"

    @property
    def text(self) -> str:
        return "\n\n".join(self.paragraphs)


def host_of(number: int) -> str:
    """Return the name of an invented site."""
    return f"www.gazette-{number:04}.example"


def stories(count: int, *, hosts: int = 50, seed: int = 1) -> list[Story]:
    """Return this many articles, spread evenly over this many sites."""
    return [_story(number, hosts, random.Random(f"{seed}/{number}")) for number in range(count)]


def _story(number: int, hosts: int, chance: random.Random) -> Story:
    cast = [f"{chance.choice(words.FIRST)} {chance.choice(words.LAST)}" for _ in range(4)]
    orgs = [
        f"{chance.choice(words.ORGANISATION_STARTS)} {chance.choice(words.ORGANISATION_ENDS)}"
        for _ in range(3)
    ]
    places = chance.sample(words.PLACES, 3)
    paragraphs, length = [], 0
    while length < 650:
        paragraph = " ".join(
            _sentence(chance, cast, orgs, places) for _ in range(chance.randint(2, 4))
        )
        length += len(paragraph.split())
        paragraphs.append(paragraph)
    noun, verb = chance.choice(words.NOUNS), chance.choice(words.VERBS)
    title = f"{places[0]} {noun} {verb} as {chance.choice(words.ADJECTIVES)} {chance.choice(words.NOUNS)} grows, case {number}"
    paragraphs[0] = f"{places[0]} — {paragraphs[0]}"
    return Story(
        number=number,
        host=host_of(number % hosts),
        title=title,
        author=chance.choice(cast),
        summary=_sentence(chance, cast, orgs, places),
        paragraphs=tuple(paragraphs),
        published_at=BEGAN_AT + timedelta(minutes=number % 1440),
    )


def _sentence(chance: random.Random, cast: list[str], orgs: list[str], places: list[str]) -> str:
    person = chance.choice(cast)
    made = chance.choice(words.FRAMES).format(
        person=person, last=person.split()[-1], org=chance.choice(orgs),
        place=chance.choice(places), title=chance.choice(words.TITLES), noun=chance.choice(words.NOUNS),
        noun2=chance.choice(words.NOUNS), noun3=chance.choice(words.NOUNS), verb=chance.choice(words.VERBS),
        verb2=chance.choice(words.VERBS), adj=chance.choice(words.ADJECTIVES), link=chance.choice(words.LINKS),
        day=chance.choice(words.DAYS), count=chance.randint(2, 900), share=chance.randint(2, 60),
    )  # fmt: skip
    return made[0].upper() + made[1:]


def html_of(story: Story, others: Iterable[Story] = ()) -> bytes:
    """Return the web page of an article: 60 to 100 KB, the article a tenth of it."""
    chance = random.Random(story.number)
    name = story.host.split(".")[1].replace("-", " ").title()
    teasers = "".join(
        f'<li class="teaser teaser--{i % 4}" data-position="{i}"><a href="{escape(one.url)}">'
        f'<img loading="lazy" src="/images/{one.number}-320.jpg" srcset="/images/{one.number}-640.jpg 2x" alt="">'
        f'<span class="teaser__kicker">{chance.choice(words.NOUNS).title()}</span>'
        f'<h3 class="teaser__title">{escape(one.title)}</h3></a><p>{escape(one.summary)}</p></li>'
        for i, one in enumerate(others)
    )
    navigation = "".join(
        f'<li class="nav__item"><a class="nav__link" href="/section/{noun}">{noun.title()}</a></li>'
        for noun in words.NOUNS
    )
    body = "".join(f"<p>{escape(one)}</p>\n" for one in story.paragraphs)
    linked = escape(story.url)
    data = msgspec.json.encode(
        {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": story.title,
            "datePublished": story.published_at.isoformat(),
            "dateModified": (story.published_at + timedelta(minutes=12)).isoformat(),
            "author": [{"@type": "Person", "name": story.author}],
            "publisher": {"@type": "Organization", "name": name},
            "mainEntityOfPage": story.url,
            "description": story.summary,
        }
    ).decode()
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(story.title)} | {name}</title>'
        f'<link rel="canonical" href="{linked}"><meta property="og:title" content="{escape(story.title)}">'
        f'<meta property="og:url" content="{linked}"><meta property="og:site_name" content="{name}">'
        f'<meta name="author" content="{escape(story.author)}"><meta name="description" content="{escape(story.summary)}">'
        f'<meta property="article:published_time" content="{story.published_at.isoformat()}">'
        f'<script type="application/ld+json">{data}</script>'
        f"<style>{_style(chance)}</style><script>{_script(chance)}</script></head>"
        f'<body class="page"><header class="masthead"><a href="/">{name}</a><nav><ul>{navigation}</ul></nav></header>'
        f'<main><article class="article"><h1>{escape(story.title)}</h1>'
        f'<p class="byline">By <a rel="author" href="/people/{story.number}">{escape(story.author)}</a> '
        f'<time datetime="{story.published_at.isoformat()}">{story.published_at:%d %B %Y}</time></p>'
        f'<figure><img src="/images/{story.number}.jpg" alt=""><figcaption>{escape(story.summary)}</figcaption></figure>'
        f'<div class="article__body">{body}</div></article>'
        f'<aside class="related"><h2>More on this</h2><ul>{teasers}</ul></aside></main>'
        f"<footer><ul>{navigation}</ul><p>© {name}. All rights reserved.</p></footer>"
        f"<script>{_script(chance)}</script></body></html>"
    ).encode()


def _style(chance: random.Random) -> str:
    return "".join(
        f".block-{chance.randrange(9999)}__part{{margin:{chance.randrange(40)}px;color:#{chance.randrange(4096):03x}}}"
        for _ in range(150)
    )


def _script(chance: random.Random) -> str:
    return "".join(
        f'window.queue=window.queue||[];queue.push({{"slot":"unit-{chance.randrange(10**6)}","sizes":[[{chance.randrange(900)},{chance.randrange(600)}]]}});'
        for _ in range(220)
    )


def pages_html(made: list[Story]) -> list[bytes]:
    """Return the web page of each article; each shows a few dozen teasers of the others."""
    return [
        html_of(one, (made[(at * 7 + step) % len(made)] for step in range(1, 31)))
        for at, one in enumerate(made)
    ]


def feed_of(host: str, made: Iterable[Story]) -> bytes:
    """Return a site's RSS feed of these articles."""
    items = "".join(
        f"<item><title>{escape(one.title)}</title><link>{escape(one.url)}</link>"
        f"<guid isPermaLink='false'>{one.number}</guid>"
        f"<pubDate>{format_datetime(one.published_at, usegmt=True)}</pubDate>"
        f"<description>{escape(one.summary)}</description></item>"
        for one in made
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{host}</title>'
        f"<link>http://{host}/</link><description>News</description>{items}</channel></rss>"
    ).encode()


def entry_of(story: Story) -> Entry:
    """Return the entry that the poll stage would have made of it."""
    feed_url = f"http://{story.host}/feed.xml"
    feed_id = identity.feed_id_of_url(feed_url)
    return Entry(
        id=identity.entry_id(feed_id, str(story.number)), feed_id=feed_id, feed_url=feed_url,
        entry_key=str(story.number), url_published=story.url, first_seen_at=BEGAN_AT,
        publisher=story.host, language="en", title=story.title, summary=story.summary,
        published_at=story.published_at,
    )  # fmt: skip


def page_of(entry: Entry, data: bytes) -> Page:
    """Return the page that the fetch stage would have made of these bytes."""
    url = entry.url_published
    canonical = identity.canonical_url(url)
    return Page(
        document_id=identity.document_id_of_url(canonical), entry=entry, url_canonical=canonical,
        url_match_key=identity.match_key(url), url_final=url,
        domain=identity.registrable_domain(url), fetched_at=BEGAN_AT,
        version=identity.version_of(BEGAN_AT),
        body=zstandard.ZstdCompressor(level=3).compress(data), content_type="text/html",
        status=200,
    )  # fmt: skip


def document_of(story: Story) -> Document:
    """Return the document that the extract stage would have made of it."""
    canonical = identity.canonical_url(story.url)
    entry = entry_of(story)
    return Document(
        id=identity.document_id_of_url(canonical), version=identity.version_of(BEGAN_AT),
        entry_id=entry.id, url_published=story.url, url_canonical=canonical,
        url_match_key=identity.match_key(story.url), domain=identity.registrable_domain(story.url),
        publisher=story.host, first_seen_at=BEGAN_AT, fetched_at=BEGAN_AT, extracted_at=BEGAN_AT,
        title=story.title, text=story.text, content_hash=f"{story.number:064x}",
        content_source="page", feed_ids=(entry.feed_id,), published_at=story.published_at,
        authors=(story.author,), summary=story.summary, language_hint="en",
    )  # fmt: skip
