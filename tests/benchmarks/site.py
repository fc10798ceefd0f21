"""The invented sites of the benchmarks in a process of their own.

    python -m tests.benchmarks.site HOSTS ARTICLES

serves this many hosts and articles, each host with its feed.xml, and prints the port. For each line
`first N` on standard input it prints when request number N (from 0) came, for `count` how many
came so far; it ends when standard input does.
"""

from __future__ import annotations

import subprocess
import sys

from tests.benchmarks import news
from tests.http_site import Answer, HttpSite

_FEED = [("Content-Type", "application/rss+xml; charset=utf-8")]


class SiteProcess:
    """The sites, started; a context manager."""

    def __init__(self, hosts: int, articles: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.site", str(hosts), str(articles)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._line())

    @property
    def hosts(self) -> dict[str, str]:
        """The value of `address_guard.hosts` that sends all invented names here."""
        return {"*.example": f"127.0.0.1:{self.port}"}

    def count(self) -> int:
        """Return how many requests came so far."""
        return int(self._asked("count"))

    def first_after(self, number: int) -> float:
        """Return when (time.monotonic) the request after the first `number` came."""
        return float(self._asked(f"first {number}"))

    def __enter__(self) -> SiteProcess:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _asked(self, command: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the sites of the benchmark did not start")
        return line


def main() -> None:
    """Serve until standard input ends."""
    hosts, articles = int(sys.argv[1]), int(sys.argv[2])
    made = news.stories(articles, hosts=hosts)
    with HttpSite() as site:
        for story, page in zip(made, news.pages_html(made), strict=True):
            site.serve(story.host, story.path, Answer(body=page))
        for number in range(hosts):
            host = news.host_of(number)
            feed = news.feed_of(host, made[number::hosts])
            site.serve(host, "/feed.xml", Answer(body=feed, headers=_FEED))
        print(site.port, flush=True)
        for line in sys.stdin:
            command, _, number_text = line.strip().partition(" ")
            if command == "first":
                print(site.requests[int(number_text)].started_at, flush=True)
            else:
                print(len(site.requests), flush=True)


if __name__ == "__main__":
    main()
