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

BEGAN_AT = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

_FIRST = ["Marta", "Olwen", "Tobias", "Ingrid", "Casper", "Leonie", "Radek", "Saoirse", "Emeric", "Petra", "Amina", "Bastian", "Celia", "Dorian", "Elif", "Fabrice", "Greta", "Hamid", "Iona", "Joaquin", "Katarina", "Lorenz", "Mireille", "Nadim", "Odette", "Piotr", "Rosalind", "Stefan", "Tamsin", "Ulrich", "Vera", "Wendell", "Yusuf", "Zora"]
_LAST = ["Lindqvist", "Harrowgate", "Okonjo", "Vasilenko", "Brandeis", "Quillfeather", "Ashdown", "Moreau", "Tremblay", "Castellan", "Novakova", "Pemberton", "Ruddock", "Szabo", "Thorvald", "Underhill", "Vandermeer", "Westcott", "Yarrow", "Zielinski", "Abernathy", "Bellweather", "Corrigan", "Drummond", "Eastlake", "Fairweather", "Gallagher", "Hathersage"]
_PLACES = ["Lisbon", "Hamburg", "Toronto", "Nairobi", "Geneva", "Oslo", "Madrid", "Dublin", "Vienna", "Seoul", "Lima", "Boston", "Helsinki", "Prague", "Cardiff", "Melbourne", "Marseille", "Bristol", "Valencia", "Krakow", "Chicago", "Jakarta", "Santiago", "Norway", "Portugal", "Kenya", "Canada", "Ireland", "Austria", "Peru", "Finland", "Indonesia", "Chile"]
_ORGANISATION_STARTS = ["Northgate", "Silverbrook", "Harbour", "Meridian", "Oakfield", "Blackstone", "Riverside", "Calder", "Eastern", "Granite", "Pinewood", "Summit", "Westmoor", "Atlas", "Beacon"]
_ORGANISATION_ENDS = [
    "Bank", "Council", "University", "Holdings", "Ltd", "Institute", "Ministry of Transport",
    "Energy Group", "Workers Union", "Hospital Trust", "Railways", "Airlines plc", "Foundation",
]  # fmt: skip
_TITLES = ["minister", "mayor", "director", "chairwoman", "spokesman", "professor", "senator", "inspector", "economist", "engineer", "secretary", "judge"]
_NOUNS = ["budget", "bridge", "harbour", "timetable", "festival", "inquiry", "reservoir", "contract", "strike", "election", "verdict", "vaccine", "railway", "tariff", "forecast", "orchard", "archive", "licence", "subsidy", "shortage", "settlement", "pipeline", "merger", "lawsuit", "survey", "drought", "flood", "refinery", "museum", "stadium", "curriculum", "pension", "mortgage", "harvest", "satellite", "border", "treaty", "ceasefire", "recovery", "audit", "permit", "warehouse", "ferry", "terminal", "hospital", "library", "campaign", "coalition", "amendment", "deficit", "surplus", "outbreak", "rescue", "trial", "appeal", "concert", "exhibition", "tournament", "championship", "transfer", "sponsorship", "turbine", "reactor", "grid", "glacier", "fishery", "vineyard", "market", "auction", "estate", "district", "neighbourhood"]
_ADJECTIVES = ["northern", "unexpected", "costly", "temporary", "disputed", "ambitious", "quiet", "fragile", "regional", "modest", "sweeping", "outdated", "popular", "reluctant", "urgent", "lengthy", "careful", "bitter", "generous", "nervous", "rural", "coastal", "medieval", "digital", "public", "private", "emergency", "annual", "narrow", "heavy"]
_VERBS = ["delayed", "approved", "questioned", "rejected", "announced", "defended", "criticised", "postponed", "welcomed", "expanded", "suspended", "reviewed", "abandoned", "financed", "inspected", "restored", "protected", "negotiated", "withdrew", "published", "repeated", "described", "measured", "predicted", "ignored", "repaired", "completed", "opened", "closed", "doubled"]
_LINKS = ["because", "although", "while", "after", "before", "unless", "since", "until"]
_FRAMES = [
    "{title} {person} of {org} {verb} the {adj} {noun} in {place}, {link} the {noun2} was {verb2}.",
    "The {adj} {noun} was {verb} on {day} {link} residents of {place} {verb2} the {noun2}.",
    "“We have {verb} every {noun} that we could find,” said {person}, “and the {noun2} is {adj}.”",
    "According to {org}, the {noun} cost {count} million and {verb} {share} percent of the {noun2}.",
    "{last} added that the {adj} {noun} would be {verb} {link} the {noun2} had been {verb2}.",
    "It was the {adj} {noun} that {verb} the {noun2}, and nobody in the {noun3} had expected it.",
    "In {place}, {count} people waited for the {noun}, {link} the {adj} {noun2} had not {verb}.",
    "Officials at {org} {verb} the {noun} and {verb2} a {adj} {noun2} near {place}.",
    "The {noun}, the {noun2} and the {adj} {noun3} were all {verb} within {share} days.",
    "Critics {verb} the plan; {person}, the {title}, called it a {adj} {noun} with no {noun2}.",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


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
    """Give the name of an invented site."""
    return f"www.gazette-{number:04}.example"


def stories(count: int, *, hosts: int = 50, seed: int = 1) -> list[Story]:
    """Give so many articles, spread evenly over so many sites."""
    return [_story(number, hosts, random.Random(f"{seed}/{number}")) for number in range(count)]


def _story(number: int, hosts: int, chance: random.Random) -> Story:
    cast = [f"{chance.choice(_FIRST)} {chance.choice(_LAST)}" for _ in range(4)]
    orgs = [
        f"{chance.choice(_ORGANISATION_STARTS)} {chance.choice(_ORGANISATION_ENDS)}"
        for _ in range(3)
    ]
    places = chance.sample(_PLACES, 3)
    paragraphs, words = [], 0
    while words < 650:
        paragraph = " ".join(
            _sentence(chance, cast, orgs, places) for _ in range(chance.randint(2, 4))
        )
        words += len(paragraph.split())
        paragraphs.append(paragraph)
    noun, verb = chance.choice(_NOUNS), chance.choice(_VERBS)
    title = f"{places[0]} {noun} {verb} as {chance.choice(_ADJECTIVES)} {chance.choice(_NOUNS)} grows, case {number}"
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
    made = chance.choice(_FRAMES).format(
        person=person, last=person.split()[-1], org=chance.choice(orgs),
        place=chance.choice(places), title=chance.choice(_TITLES), noun=chance.choice(_NOUNS),
        noun2=chance.choice(_NOUNS), noun3=chance.choice(_NOUNS), verb=chance.choice(_VERBS),
        verb2=chance.choice(_VERBS), adj=chance.choice(_ADJECTIVES), link=chance.choice(_LINKS),
        day=chance.choice(_DAYS), count=chance.randint(2, 900), share=chance.randint(2, 60),
    )  # fmt: skip
    return made[0].upper() + made[1:]


def html_of(story: Story, others: Iterable[Story] = ()) -> bytes:
    """Give the web page of an article: 60 to 100 KB, the article a tenth of it."""
    chance = random.Random(story.number)
    name = story.host.split(".")[1].replace("-", " ").title()
    teasers = "".join(
        f'<li class="teaser teaser--{i % 4}" data-position="{i}"><a href="{escape(one.url)}">'
        f'<img loading="lazy" src="/images/{one.number}-320.jpg" srcset="/images/{one.number}-640.jpg 2x" alt="">'
        f'<span class="teaser__kicker">{chance.choice(_NOUNS).title()}</span>'
        f'<h3 class="teaser__title">{escape(one.title)}</h3></a><p>{escape(one.summary)}</p></li>'
        for i, one in enumerate(others)
    )
    navigation = "".join(
        f'<li class="nav__item"><a class="nav__link" href="/section/{noun}">{noun.title()}</a></li>'
        for noun in _NOUNS
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
    """Give the web page of each article; each shows a few dozen teasers of the others."""
    return [
        html_of(one, (made[(at * 7 + step) % len(made)] for step in range(1, 31)))
        for at, one in enumerate(made)
    ]


def feed_of(host: str, made: Iterable[Story]) -> bytes:
    """Give a site's RSS feed of these articles."""
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
    """Give the entry that the poll stage would have made of it."""
    feed_url = f"http://{story.host}/feed.xml"
    feed_id = identity.feed_id_of_url(feed_url)
    return Entry(
        id=identity.entry_id(feed_id, str(story.number)), feed_id=feed_id, feed_url=feed_url,
        entry_key=str(story.number), url_published=story.url, first_seen_at=BEGAN_AT,
        publisher=story.host, language="en", title=story.title, summary=story.summary,
        published_at=story.published_at,
    )  # fmt: skip


def page_of(entry: Entry, data: bytes) -> Page:
    """Give the page that the fetch stage would have made of these bytes."""
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
    """Give the document that the extract stage would have made of it."""
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
