"""Invented newspapers for the scenarios: feeds and articles made in code, served by HttpSite."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

from tests.http_site import Answer, HttpSite

_TITLE_WORDS = (
    "council harbour museum ferry library orchard theatre bakery railway lighthouse",
    "opens closes repairs defends doubles postpones welcomes questions sells restores",
    "bridge timetable budget collection roof festival ticket garden archive bell",
)
_SUBJECTS, _VERBS, _THINGS = (line.split() for line in _TITLE_WORDS)
_TEXT = (
    "the morning crowd waited outside while engineers checked every bolt and the mayor spoke of "
    "patience after a long winter when storms had torn slates from roofs along the northern quay "
    "neighbours brought soup and bread because shops stayed shut until the river fell again "
    "nobody expected such numbers but volunteers counted more than before and wrote them down "
    "in a ledger that will be shown to visitors next spring if money can be found for glass"
)
_WORDS = _TEXT.split()
_PEOPLE = (
    *("Marta Lindqvist", "Olwen Harrowgate", "Tobias Okonjo", "Ingrid Vasilenko"),
    *("Casper Brandeis", "Leonie Quillfeather", "Radek Ashdown", "Petra Moreau"),
)


class Paper:
    """One newspaper: a host with an RSS feed of its newest articles, newest last."""

    def __init__(self, site: HttpSite, number: int, listed: int = 10_000) -> None:
        self.host = f"paper-{number:02}.example"
        self.name = f"The Paper No {number:02}"
        self._random = random.Random(number)
        self._number, self._listed = number, listed
        self._site = site
        self._items: list[str] = []
        self.urls: list[str] = []
        self._pages: dict[str, Answer] = {}
        self.people: dict[str, str] = {}
        site.serve(self.host, "/feed.xml", lambda _: self.feed_answer())

    @property
    def feed_url(self) -> str:
        return f"http://{self.host}/feed.xml"

    @property
    def feed(self) -> dict[str, str]:
        """Return the paper's block in feeds.yml."""
        return {"url": self.feed_url, "publisher": self.name, "language": "en"}

    def publish(self, count: int = 1) -> list[str]:
        """Put new articles on the site and into the feed; gives their addresses."""
        urls = []
        for _ in range(count):
            number = len(self.urls)
            path = f"/news/{number:04}"
            url = f"http://{self.host}{path}"
            title, person, page = self._article(number)
            self._pages[url] = Answer(body=page.encode())
            self._site.serve(self.host, path, self._pages[url])
            at = format_datetime(datetime.now(UTC) - timedelta(minutes=5), usegmt=True)
            self._items.append(
                f"<item><title>{escape(title)}</title><link>{url}</link>"
                f"<guid>{url}</guid><pubDate>{at}</pubDate></item>"
            )
            self.urls.append(url)
            self.people[url] = person
            urls.append(url)
        return urls

    def rewrite(self, url: str, sentence: str) -> None:
        """Add a sentence to an article that is out, and say so in the feed."""
        body = self._pages[url].body.replace(b"</article>", f"<p>{sentence}</p></article>".encode())
        self._pages[url] = Answer(body=body)
        self._site.serve(self.host, url.removeprefix(f"http://{self.host}"), self._pages[url])
        number = self.urls.index(url)
        told = f"<description>{escape(sentence)}</description></item>"
        self._items[number] = self._items[number].replace("</item>", told)

    def page(self, url: str) -> Answer:
        """Return an article's page as it was published."""
        return self._pages[url]

    def feed_answer(self) -> Answer:
        """Return the feed as it is now."""
        body = (
            f'<?xml version="1.0"?><rss version="2.0"><channel><title>{self.name}</title>'
            f"<link>http://{self.host}/</link>{''.join(self._items[-self._listed :])}</channel></rss>"
        )
        return Answer(body=body.encode(), headers=[("Content-Type", "application/rss+xml")])

    def _article(self, number: int) -> tuple[str, str, str]:
        """Return title, the person it names and the page."""
        pick = self._random.choice
        title = (
            f"{pick(_SUBJECTS)} {pick(_VERBS)} {pick(_THINGS)} of ward {self._number}-{number}"
        ).capitalize()
        person = pick(_PEOPLE)
        paragraphs = [f"{person} told The Paper that ward {self._number}-{number} would decide."]
        for _ in range(4):
            sentences = [
                " ".join(pick(_WORDS) for _ in range(14)).capitalize() + "." for _ in range(3)
            ]
            paragraphs.append(" ".join(sentences))
        text = "".join(f"<p>{one}</p>" for one in paragraphs)
        return title, person, (
            f"<!doctype html><html lang=en><head><title>{title}</title></head><body>"
            f"<article><h1>{title}</h1>{text}</article></body></html>"
        )  # fmt: skip


def a_sentence(pick: random.Random) -> str:
    """Return a sentence that nothing else has."""
    return " ".join(pick.choice(_WORDS) for _ in range(14)).capitalize() + "."


def papers(site: HttpSite, count: int, listed: int = 10_000) -> list[Paper]:
    """Return this many newspapers, without articles yet; each lists its newest ones."""
    return [Paper(site, number, listed) for number in range(count)]
