"""Rows of the stages that ask sites: poll and fetch, each as its own process, beside bare aiohttp."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp
import feedparser
import psutil
import zstandard

from ingest import identity
from ingest.bootstrap.engines import open_log
from ingest.ports import Log
from ingest.settings.load import load
from ingest.wire import encode
from tests.benchmarks import news
from tests.benchmarks.measure import Row, Spent, here, of_tree
from tests.benchmarks.site import SiteProcess
from tests.scenarios.harness import Installation
from tests.scenarios.processes import Running

AT_ONCE = 100
_LOOK_SECONDS = 0.05


def poll_rows(folder: Path, hosts: int, entries_a_feed: int) -> list[Row]:
    """Return the poll stage on feeds never asked before: by feeds and by entries."""
    stories = news.stories(hosts * entries_a_feed, hosts=hosts)
    urls = [f"http://{news.host_of(number)}/feed.xml" for number in range(hosts)]
    rarely = {"min_interval_minutes": 60, "max_interval_minutes": 600}
    feeds = [{"url": url, **rarely} for url in urls]
    with (
        SiteProcess(hosts, len(stories)) as site,
        Installation(folder, hosts=site.hosts, feeds=feeds[:1]) as home,
    ):
        log = _log(home)
        stage = home.start("--stage", "poll")
        _until(stage, lambda: _ends(log, "news.entries") == entries_a_feed)
        asked, began = site.count(), of_tree(_process(stage))
        home.set_feeds(feeds)
        _until(stage, lambda: _ends(log, "news.entries") == len(stories))
        ended = of_tree(_process(stage))
        spent = Spent(ended.wall - site.first_after(asked), ended.cpu - began.cpu)
        log.close()
        stage.stop()
        bare = asyncio.run(_asked_bare(site.port, urls[1:], feedparser.parse))
    count = hosts - 1
    name = "aiohttp and feedparser"
    return [
        Row(name="poll", unit="feeds", count=count, spent=spent, bare=bare, bare_count=count,
            bare_name=name),
        Row(name="poll", unit="entries", count=count * entries_a_feed, spent=spent, bare=bare,
            bare_count=count * entries_a_feed, bare_name=name),
    ]  # fmt: skip


def fetch_row(folder: Path, hosts: int, pages: int) -> Row:
    """Return the fetch stage on entries of this many hosts, without gaps between requests."""
    stories = news.stories(pages, hosts=hosts)
    with SiteProcess(hosts, pages) as site, Installation(folder, hosts=site.hosts) as home:
        log = _log(home)
        stage = home.start("--stage", "fetch")
        _until(stage, lambda: log.members("news-fetch") > 0)
        began = of_tree(_process(stage))
        appender = log.appender()
        for story in stories:
            entry = news.entry_of(story)
            appender.append(
                "news.entries", identity.registrable_domain(story.url), encode(entry), ()
            )
        appender.flush(60)
        _until(stage, lambda: _ends(log, "news.pages") == pages)
        ended = of_tree(_process(stage))
        spent = Spent(ended.wall - site.first_after(0), ended.cpu - began.cpu)
        log.close()
        stage.stop()
        pack = zstandard.ZstdCompressor(level=3).compress
        bare = asyncio.run(_asked_bare(site.port, [story.url for story in stories], pack))
    return Row(
        name=f"fetch, {hosts} hosts", unit="pages", count=pages, spent=spent, bare=bare,
        bare_count=pages, bare_name="aiohttp and zstd",
    )  # fmt: skip


async def _asked_bare(port: int, urls: Sequence[str], work: Callable[[bytes], object]) -> Spent:
    """Return what it costs to ask all these, 100 at once, and do the work on each answer."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(session: aiohttp.ClientSession, url: str) -> None:
        host, _, path = url.removeprefix("http://").partition("/")
        async with (
            free,
            session.get(f"http://127.0.0.1:{port}/{path}", headers={"Host": host}) as answer,
        ):
            work(await answer.read())

    began = here()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(one(session, url) for url in urls))
    return here() - began


def _log(home: Installation) -> Log:
    return open_log(load(home.config, {}))


def _ends(log: Log, topic: str) -> int:
    return sum(lag.end for lag in log.lag("news-bench", [topic]))


def _process(running: Running) -> psutil.Process:
    return psutil.Process(running.process.pid)


def _until(running: Running, holds: Callable[[], bool], seconds: float = 300.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        if running.process.poll() is not None or time.monotonic() > until:
            lines = running.lines.read_text(errors="replace").splitlines()[-20:]
            raise RuntimeError("the stage came to no end:\n" + "\n".join(lines))
        time.sleep(_LOOK_SECONDS)
