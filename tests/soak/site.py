"""The sites of a soak: thousands of feeds that grow, with faults among their answers."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.http_site import Answer, HttpSite, Raw, Seen, redirect

#: A feed shows this many of its newest items.
WINDOW = 20
#: Long enough that what poll learns reaches fetch, and the other way round.
REST_SECONDS = 4
#: Of every ten feeds, three share a domain with others.
_SHARED = 0.3
_FEEDS_A_SHARED_DOMAIN = 5
_SENTENCE = (
    "The committee of ward {n} met {name} on the quay and agreed that repairs to the sluice gate "
    "begin before the autumn tides, once the masons have counted every stone in the lower wall."
)
_NAMES = ("Tilda Marrowby", "Osric Venn", "Halla Brandt", "Jonas Petrelli", "Maude Ashgrove")


class SoakFeed:
    """One feed: its host, what it published, and whether it can ever be read."""

    def __init__(self, number: int, host: str, *, is_dead: bool) -> None:
        self.number = number
        self.host = host
        self.is_dead = is_dead
        self.path = f"/feeds/{number}.xml"
        self.items: list[tuple[str, str, str]] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.path}"

    def publish(self) -> str:
        """Add an item; gives its address."""
        count = len(self.items)
        path = f"/news/{self.number}/{count}"
        title = f"Ward {self.number} decides matter {count} of the sluice"
        at = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
        self.items.append((path, title, at))
        return f"http://{self.host}{path}"


class SoakSite:
    """Serves all feeds and articles; counts which faults it showed. `seed` makes a run again."""

    def __init__(
        self, site: HttpSite, feeds: int, *, seed: int, fault_share: float, dead_share: float
    ) -> None:
        self._site = site
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._fault_share = fault_share
        self._asked: set[str] = set()
        self.faults: Counter[str] = Counter()
        #: (host, time.monotonic()) of each answer that asked for a rest.
        self.rests: list[tuple[str, float]] = []
        self.urls: list[str] = []
        self.feeds: list[SoakFeed] = []
        for number in range(feeds):
            shared = number < feeds * _SHARED
            host = (
                f"n{number}.shared-{number // _FEEDS_A_SHARED_DOMAIN}.example"
                if shared
                else f"gazette-{number}.example"
            )
            feed = SoakFeed(number, host, is_dead=self._random.random() < dead_share)
            self.feeds.append(feed)
            site.serve(host, feed.path, lambda seen, feed=feed: self._feed(feed, seen))
            site.serve(host, "*", self._article)

    def publish(self, count: int) -> None:
        """Let feeds at random publish this many items in all."""
        alive = [feed for feed in self.feeds if not feed.is_dead]
        with self._lock:
            for feed in self._random.choices(alive, k=count):
                self.urls.append(feed.publish())

    def publish_each(self) -> None:
        """Let every feed that can be read publish one item."""
        with self._lock:
            self.urls.extend(feed.publish() for feed in self.feeds if not feed.is_dead)

    def _feed(self, feed: SoakFeed, seen: Seen) -> Answer | Raw:
        if feed.is_dead:
            return self._dead(feed)
        with self._lock:
            body = _document(feed)
            kind = self._fault(FEED_FAULTS)
        if kind:
            return self._faulty(kind, feed, seen, body)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if seen.header("if-none-match") == etag:
            return Answer(304, headers=[("ETag", etag)])
        return Answer(body=body, headers=[("ETag", etag), ("Content-Type", "application/rss+xml")])

    def _article(self, seen: Seen) -> Answer | Raw:
        with self._lock:
            is_first = f"{seen.host}{seen.path}" not in self._asked
            self._asked.add(f"{seen.host}{seen.path}")
            kind = self._fault(PAGE_FAULTS) if is_first else ""
        if not seen.path.startswith("/news/"):
            return Answer(404, b"nothing here")
        if kind:
            return self._faulty(kind, None, seen, b"")
        _, _, number, count = seen.path.split("/")
        return Answer(body=_page(int(number), int(count)))

    def _fault(self, kinds: tuple[str, ...]) -> str:
        if self._random.random() >= self._fault_share:
            return ""
        kind = self._random.choice(kinds)
        self.faults[kind] += 1
        return kind

    def _dead(self, feed: SoakFeed) -> Answer | Raw:
        kind = ("404", "403", "410", "html", "endless", "packed bomb")[feed.number % 6]
        self.faults[f"dead: {kind}"] += 1
        if kind.isdigit():
            return Answer(int(kind), b"gone")
        if kind == "html":
            return Answer(body=b"<!doctype html><html><title>For sale</title></html>")
        if kind == "endless":
            return _stall
        return Answer(body=_BOMB, headers=[("Content-Encoding", "gzip")])

    def _faulty(self, kind: str, feed: SoakFeed | None, seen: Seen, body: bytes) -> Answer | Raw:
        xml = [("Content-Type", "application/rss+xml")]
        if kind == "rest":
            self.rests.append((seen.host, seen.started_at))
            return Answer(503, b"later", headers=[("Retry-After", str(REST_SECONDS))])
        if kind == "reset":
            return _reset
        if kind == "slow":
            whole = Answer(body=body or _page_of(seen), headers=xml if feed else [])
            return Answer(whole.status, whole.body, whole.headers, wait_seconds=1.5)
        if kind == "500":
            return Answer(500, b"broken")
        if kind == "moved":
            return redirect(feed.path + "?moved=1") if feed else Answer(500)
        if kind == "cut":
            return Answer(body=body[: len(body) * 2 // 3], headers=xml, is_open=True)
        if kind == "html":
            return Answer(body=b"<html><title>Please log in</title><body>Log in</body></html>")
        if kind == "empty":
            return Answer(200, b"", headers=xml)
        if kind == "packed":
            return Answer(body=gzip.compress(body), headers=xml)
        if kind == "control characters":
            return Answer(body=body.replace(b"<channel>", b"<channel>\x0b"), headers=xml)
        if kind == "flap":
            return Answer(body=body.replace(b"<guid>http:", b"<guid>https:"), headers=xml)
        raise AssertionError(kind)


FEED_FAULTS = (
    *("rest", "reset", "slow", "500", "moved", "cut", "html", "empty", "packed"),
    *("control characters", "flap"),
)
PAGE_FAULTS = ("rest", "reset", "slow", "500")
_BOMB = gzip.compress(bytes(20 * 1024 * 1024), 9)


def _document(feed: SoakFeed) -> bytes:
    items = "".join(
        f"<item><title>{title}</title><link>http://{feed.host}{path}</link>"
        f"<guid>http://{feed.host}{path}</guid><pubDate>{at}</pubDate></item>"
        for path, title, at in reversed(feed.items[-WINDOW:])
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        f"<title>Ward paper {feed.number}</title><link>http://{feed.host}/</link>{items}"
        f"</channel></rss>"
    ).encode()


def _page(number: int, count: int) -> bytes:
    title = f"Ward {number} decides matter {count} of the sluice"
    name = _NAMES[(number + count) % len(_NAMES)]
    text = "".join(f"<p>{_SENTENCE.format(n=number, name=name)} {turn}.</p>" for turn in range(3))
    return (
        f"<!doctype html><html lang=en><head><title>{title}</title></head><body><article>"
        f"<h1>{title}</h1>{text}</article></body></html>"
    ).encode()


def _page_of(seen: Seen) -> bytes:
    _, _, number, count = seen.path.split("/")
    return _page(int(number), int(count))


async def _reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _stall(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 Fine\r\nContent-Type: application/rss+xml\r\n\r\n<rss>")
    while not writer.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.5)
