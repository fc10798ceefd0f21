"""Many feeds served for little, in a process of their own: what asks them is what is measured.

    python -m tests.benchmarks.feed_farm FEEDS ENTRIES LATENCY_SECONDS

serves this many feeds of this many entries and prints the port. Feed number 7 is `/feed.xml` of
`feed-00007.example`, and `/feed-00007/feed.xml` of any other host; robots.txt is absent. Each line
on standard input is answered by one: `gain` gives every feed one more entry, `counts` tells the
answers so far by status. It ends when standard input does.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.benchmarks import words

_BEGAN_AT = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
_SENTENCES = 97


def host_of(number: int) -> str:
    """Return the host of a feed."""
    return f"feed-{number:05}.example"


class FarmProcess:
    """The farm, started; a context manager."""

    def __init__(self, feeds: int, entries: int, latency_seconds: float = 0.0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.feed_farm", str(feeds), str(entries),
             str(latency_seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port = int(self._line())

    def gain(self) -> None:
        """Return every feed one more entry."""
        self._asked("gain")

    def counts(self) -> Counter[int]:
        """Return how many answers of each status there were."""
        told: dict[str, int] = json.loads(self._asked("counts"))
        return Counter({int(status): count for status, count in told.items()})

    def __enter__(self) -> FarmProcess:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _asked(self, command: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the farm of the benchmark has ended")
        return line


class Feeds:
    """The answers, ready to be sent."""

    def __init__(self, count: int, entries: int) -> None:
        self._count, self._entries = count, entries
        self.statuses: Counter[int] = Counter()
        self._full: list[bytes] = []
        self._generation = -1
        self.gain()

    def gain(self) -> None:
        self._generation += 1
        self._etag = f'"generation-{self._generation}"'.encode()
        head = f"ETag: {self._etag.decode()}\r\nServer: farm\r\nConnection: close\r\n"
        self._unchanged = f"HTTP/1.1 304 Not Modified\r\n{head}\r\n".encode()
        self._absent = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        items = _items(self._generation, self._entries)
        self._full = []
        for number in range(self._count):
            body = _document(number, items)
            length = f"Content-Length: {len(body)}\r\nContent-Type: application/rss+xml\r\n\r\n"
            self._full.append(f"HTTP/1.1 200 OK\r\n{head}{length}".encode() + body)

    def answer(self, request: bytes) -> bytes:
        number = _number_of(request)
        if number is None or number >= self._count:
            self.statuses[404] += 1
            return self._absent
        if self._etag in request:
            self.statuses[304] += 1
            return self._unchanged
        self.statuses[200] += 1
        return self._full[number]


_CHANNEL = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>'
    "<title>The {number} Gazette</title><link>http://{host}/</link><language>en</language>"
    "<description>News of the harbour towns</description>\n"
)


def document_of(number: int, entries: int) -> bytes:
    """Return the first document of a feed."""
    return _document(number, _items(0, entries))


def _document(number: int, items: str) -> bytes:
    body = _CHANNEL.format(host=host_of(number), number=number)
    return (body + items.replace("{host}", host_of(number)) + "</channel></rss>\n").encode()


def _items(generation: int, entries: int) -> str:
    newest = generation + entries
    return "".join(_item(number) for number in range(newest - 1, generation - 1, -1))


def _item(number: int) -> str:
    """Return one entry with a headline and some eighty words, its host left open."""
    nouns, verbs = words.NOUNS, words.VERBS
    title = f"{words.PLACES[number % len(words.PLACES)]} {nouns[number % len(nouns)]} no. {number}"
    text = " ".join(
        f"The {nouns[(number * 7 + place) % len(nouns)]}"
        f" {verbs[(number * 5 + place * 3) % len(verbs)]} what number"
        f" {(number * 31 + place) % _SENTENCES} {nouns[(number + place * 11) % len(nouns)]} said."
        for place in range(10)
    )
    at = format_datetime(_BEGAN_AT + timedelta(minutes=number))
    return (
        f"<item><title>{title}</title><link>http://{{host}}/2026/03/article-{number}</link>"
        f'<guid isPermaLink="false">article-{number}</guid><pubDate>{at}</pubDate>'
        f"<category>{nouns[number % len(nouns)]}</category>"
        f"<description>&lt;p&gt;{text}&lt;/p&gt;</description></item>\n"
    )


def _number_of(request: bytes) -> int | None:
    place = request.find(b"feed-")
    digits = request[place + 5 : place + 10]
    is_feed = b"/feed.xml " in request[: request.find(b"\r\n")]
    return int(digits) if is_feed and place >= 0 and digits.isdigit() else None


class _Connection(asyncio.Protocol):
    def __init__(self, feeds: Feeds, latency_seconds: float) -> None:
        self._feeds, self._latency = feeds, latency_seconds
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not self._read.endswith(b"\r\n\r\n"):
            return
        request, self._read = self._read, b""
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._send, request)
        else:
            self._send(request)

    def _send(self, request: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._feeds.answer(request))
            self._transport.close()


async def _serve(feeds: Feeds, latency_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(feeds, latency_seconds), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == "gain":
            feeds.gain()
        print(json.dumps(feeds.statuses), flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(Feeds(int(sys.argv[1]), int(sys.argv[2])), float(sys.argv[3])))
