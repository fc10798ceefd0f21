"""Feeds that mean to hurt a poller: each ends in time, memory stays low, the others are on time."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests import bombs
from tests.http_site import Answer, HttpSite, redirect
from tests.scenarios.harness import Installation
from tests.scenarios.press import papers
from tests.scenarios.processes import Running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MIB = bombs.MIB
#: Contract of the project: one poller, whatever the feeds send.
MAX_POLLER_BYTES = 250 * MIB
REQUEST_SECONDS = 5.0
PARSE_SECONDS = 30.0
INTERVAL_SECONDS = 4.0
PAPERS = 15

#: What each host's feed must be called after its first poll; empty: it is taken, in part.
EXPECTED = {
    "gzip.example": "body_too_large",
    "br.example": "body_too_large",
    "zstd.example": "body_too_large",
    "nested-gzip.example": "body_too_large",
    "gigabyte.example": "body_too_large",
    "drip.example": "timeout",
    "silent.example": "timeout",
    "laughs.example": "parse_failed",
    "redirects.example": "too_many_redirects",
    "headers.example": "bad_response",
    "inward.example": "address_not_public",
    "long.example": "",
    "deep.example": "",
}


def serve_bombs(site: HttpSite) -> None:
    """Put every trap at /feed.xml of its host."""
    gzip = bombs.gzip_bomb(1024)

    def packed(encoding: str, body: bytes) -> Answer:
        return Answer(body=body, headers=[("Content-Encoding", encoding)])

    site.serve("gzip.example", "/feed.xml", packed("gzip", gzip))
    site.serve("br.example", "/feed.xml", packed("br", bombs.brotli_bomb(512)))
    site.serve("zstd.example", "/feed.xml", packed("zstd", bombs.zstd_bomb(512)))
    site.serve("nested-gzip.example", "/feed.xml", packed("gzip", bombs.gzip_again(gzip)))
    site.serve("laughs.example", "/feed.xml", Answer(body=bombs.billion_laughs()))
    site.serve("long.example", "/feed.xml", Answer(body=bombs.long_feed("long.example", 50_000)))
    site.serve("deep.example", "/feed.xml", Answer(body=bombs.nested_feed(100_000)))
    site.serve("redirects.example", "*", bombs.next_redirect)
    site.serve("inward.example", "/feed.xml", redirect(f"http://127.0.0.1:{site.port}/inside"))
    site.serve("silent.example", "/feed.xml", Answer(wait_seconds=60))
    site.serve_raw("gigabyte.example", "/feed.xml", bombs.endless_body(1024))
    site.serve_raw("headers.example", "/feed.xml", bombs.many_headers(100_000))
    site.serve_raw("drip.example", "/feed.xml", bombs.drip)


@contextmanager
def watched(poller: Running) -> Iterator[list[list[int]]]:
    """Return a list that fills with the bytes that the poller and each of its children hold.

    Pages that several of them share count once altogether (PSS): resident sizes would count the
    libraries again for each process.
    """
    found: list[list[int]] = []
    is_over = threading.Event()

    def look() -> None:
        root = psutil.Process(poller.process.pid)
        while not is_over.wait(0.05):
            held = []
            for process in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    held.append(process.memory_full_info().pss)
            found.append(held)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        is_over.set()
        thread.join()


def test_bombs_and_traps_end_in_time_and_hold_up_nobody(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            polling={
                "timeout_seconds": REQUEST_SECONDS,
                "parse_timeout_seconds": PARSE_SECONDS,
            },
        ) as installation,
    ):
        serve_bombs(site)
        good = papers(site, PAPERS)
        for paper in good:
            paper.publish(2)
        minutes = INTERVAL_SECONDS / 60
        limits = {"min_interval_minutes": minutes, "max_interval_minutes": minutes}
        installation.set_feeds(
            [{**paper.feed, **limits} for paper in good]
            + [f"http://{host}/feed.xml" for host in EXPECTED]
        )
        poller = installation.start("--stage", "poll")
        with watched(poller) as held:
            begun = time.monotonic()
            installation.wait_until(
                lambda: all(site.asked(host) for host in EXPECTED), "every trap is asked for"
            )

            def outcomes() -> dict[str, str]:
                rows = installation.command("feeds", "list", "--json", code=None).json_lines()
                return {
                    row["url"].split("/")[2]: row["last_error"]
                    for row in rows
                    if row["last_error"] or row["last_success_at"]
                }

            def all_ended() -> dict[str, str] | None:
                ended = outcomes()
                return ended if EXPECTED.keys() <= ended.keys() else None

            ended = installation.wait_until(all_ended, "every trap has ended")
            assert ended is not None
            assert {host: ended[host] for host in EXPECTED} == EXPECTED
            while time.monotonic() - begun < 4 * INTERVAL_SECONDS:
                time.sleep(0.2)
            over = time.monotonic()
        most = max(held, key=sum)
        assert sum(most) < MAX_POLLER_BYTES, [round(part / MIB) for part in most]
        for paper in good:
            starts = [seen.started_at for seen in site.asked(paper.host, "/feed.xml")]
            gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
            assert len(gaps) > 1
            # A poll that waits for a trap would come later by a request's or a parse's time.
            assert statistics.median(gaps) < INTERVAL_SECONDS + REQUEST_SECONDS / 2, gaps
            assert max(gaps) < PARSE_SECONDS, (paper.host, gaps)
        for host in EXPECTED.keys() - {"silent.example"}:  # where the site sleeps on by itself
            for seen in site.asked(host):
                seconds = (seen.ended_at or over) - seen.started_at
                assert seconds < 2 * REQUEST_SECONDS, (host, seen.path)
        assert not site.asked(path="/inside")
        assert poller.stop() == 0
