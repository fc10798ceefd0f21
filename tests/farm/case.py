"""What a case of the farm is: a site that misbehaves in one way, and what must happen then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tests.http_site import Answer, HttpSite, Raw, Script

if TYPE_CHECKING:
    from tests.farm.drive import Drive

#: When the story of every case begins, by the fake clock.
BEGINNING = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
#: Asserts what must have happened; the drive's feed is the case's /feed.xml.
Check = Callable[["Drive"], None]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = BEGINNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **units: float) -> None:
        """Go on by so much: the arguments of timedelta."""
        self.now += timedelta(**units)


class Servers(Protocol):
    """What a stall needs of the farm."""

    site: HttpSite
    tls: HttpSite | None
    places: dict[str, str]

    def place_of(self, kind: str) -> str: ...


class Stall:
    """Where a case puts its pages: hosts of its own on the farm's servers."""

    def __init__(self, farm: Servers, number: str, clock: Callable[[], datetime]) -> None:
        self._farm = farm
        self._number = number
        self.clock = clock
        self.began_at = clock()
        self.scheme = "http"

    @property
    def host(self) -> str:
        return f"case-{self._number}.example"

    @property
    def url(self) -> str:
        """Return the address of the case's feed."""
        return f"{self.scheme}://{self.host}/feed.xml"

    def other(self, name: str) -> str:
        """Return another host, of another domain."""
        return f"case-{self._number}-{name}.example"

    def sub(self, name: str) -> str:
        """Return another host of the same domain."""
        return f"{name}.case-{self._number}.example"

    def place(self, kind: str) -> None:
        """Put the host at the farm's `tls`, `either`, `mute` or `closed` server."""
        self._farm.places[self.host] = self._farm.place_of(kind)

    def serve(self, script: Script, path: str = "/feed.xml", host: str = "") -> None:
        """Answer like this at a path, with TLS too; the feed's path if none is given."""
        for site in filter(None, (self._farm.site, self._farm.tls)):
            site.serve(host or self.host, path, script)

    def serve_apart(self, plain: Script, secret: Script, path: str = "/feed.xml") -> None:
        """Answer with one without TLS and with the other behind it."""
        self._farm.site.serve(self.host, path, plain)
        if self._farm.tls is not None:
            self._farm.tls.serve(self.host, path, secret)

    def serve_raw(self, play: Raw, path: str = "/feed.xml", host: str = "") -> None:
        """Let `play(writer)` write the whole answer."""
        self._farm.site.serve_raw(host or self.host, path, play)

    def passed(self) -> timedelta:
        """Return how long the story runs."""
        return self.clock() - self.began_at


class Case(NamedTuple):
    """One way to misbehave. `number` is the row of the checklist, with a letter where rows split."""

    number: str
    name: str
    does: str
    must: str
    set_up: Callable[[Stall], Check]


CASES: list[Case] = []


def case(number: str, name: str, *, does: str, must: str) -> Callable[..., None]:
    """Enter a function as a case: it serves its pages and gives the check."""

    def enter(set_up: Callable[[Stall], Check]) -> None:
        if any(one.number == number for one in CASES):
            raise ValueError(f"two cases have the number {number}")
        CASES.append(Case(number, name, does, must, set_up))

    return enter


def item(name: str, host: str, *, text: str = "As seen.", more: str = "", guid: str = "") -> str:
    """Return an RSS item with a link of its own."""
    return (
        f"<item><title>The {name} of Port Elsin</title><link>http://{host}/a/{name}</link>"
        f'<guid isPermaLink="false">{guid or f"{host}-{name}"}</guid>'
        f"<description>{text}</description>{more}</item>"
    )


def channel(host: str, *items: str, head: str = "", prolog: str = "", space: str = "") -> bytes:
    """Return an RSS document of these items."""
    prolog = prolog or '<?xml version="1.0" encoding="utf-8"?>'
    return (
        f'{prolog}<rss version="2.0"{space}><channel><title>{host}</title>'
        f"<link>http://{host}/</link>{head}{''.join(items)}</channel></rss>"
    ).encode()


def rss(host: str, *names: str, text: str = "As seen.", head: str = "") -> bytes:
    """Return an RSS document with an item for each name."""
    return channel(host, *(item(name, host, text=text) for name in names), head=head)


def feed(host: str, *names: str, **headers: str) -> Answer:
    """Return a 200 with such a document; `Cache_Control=…` adds a header."""
    return sent(rss(host, *names), **headers)


def sent(body: bytes, status: int = 200, **headers: str | bytes) -> Answer:
    """Return an answer with this body; `Cache_Control=…` adds a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = named.pop("Content-Type", "application/rss+xml")
    return Answer(status, body, headers=[("Content-Type", kind), *named.items()])
