"""`news-ingest feeds backfill`: older pages and sitemaps, on topics of their own, once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest import wire
from ingest.bootstrap.engines import open_index, open_log
from ingest.identity import canonical_url, document_id_of_url
from ingest.model import Entry
from ingest.partition import partition_for
from ingest.polling.state.feed_state import FeedState, encode_state
from ingest.polling.state.seen_keys import NO_SKETCH, SeenRow, packed, short_hash
from ingest.ports import IndexWrite, Record
from ingest.settings.load import load
from tests.builders import an_indexed_document as a_document
from tests.http_site import Answer, HttpSite
from tests.unit.feeds_rig import Done, FeedsRig

HOST = "harbour-times.example"
FEED = f"http://{HOST}/feed.xml"
NOW = datetime.now(UTC)
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'

pytestmark = pytest.mark.slow


def day(ago: int) -> str:
    return f"{NOW - timedelta(days=ago):%Y-%m-%dT%H:%M:%SZ}"


def atom(*ages: int, older: str = "") -> Answer:
    """Return an Atom page of stories of this age in days; `older` is the link to the next page."""
    link = f'<link rel="prev-archive" href="{older}"/>' if older else ""
    rows = "".join(
        f"<entry><title>Story {age}</title><id>tag:{HOST},2026:{age}</id>"
        f'<updated>{day(age)}</updated><link href="http://{HOST}/a/{age}"/></entry>'
        for age in ages
    )
    body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour</title>{link}{rows}</feed>'
    return Answer(body=body.encode(), headers=[("Content-Type", "application/atom+xml")])


def plain(*rows: tuple[str, str]) -> Answer:
    """Return a sitemap of (path, lastmod)."""
    urls = "".join(
        f"<url><loc>http://{HOST}{path}</loc>"
        + (f"<lastmod>{at}</lastmod></url>" if at else "</url>")
        for path, at in rows
    )
    return Answer(body=f"<urlset {NAMESPACE}>{urls}</urlset>".encode())


@pytest.fixture
def site() -> Iterator[HttpSite]:
    with HttpSite() as server:
        server.serve(HOST, "/feed.xml", atom(0, 1, older="/2.xml"))
        server.serve(HOST, "/2.xml", atom(2, 5, 9, older="/3.xml"))
        server.serve(HOST, "/3.xml", atom(20, 28, 40, older="/4.xml"))
        server.serve(HOST, "/4.xml", atom(50, 60))
        robots = f"User-agent: *\nAllow: /\nSitemap: http://{HOST}/maps.xml\n"
        server.serve(HOST, "/robots.txt", Answer(body=robots.encode()))
        children = "".join(
            f"<sitemap><loc>http://{HOST}/{name}.xml</loc><lastmod>{day(age)}</lastmod></sitemap>"
            for name, age in (("old", 90), ("month", 3), ("news", 0))
        )
        server.serve(
            HOST,
            "/maps.xml",
            Answer(body=f"<sitemapindex {NAMESPACE}>{children}</sitemapindex>".encode()),
        )
        server.serve(
            HOST,
            "/month.xml",
            plain(
                ("/", day(1)),
                ("/a/5", day(5)),
                ("/a/12", day(12)),
                ("/a/99", day(99)),
                ("/about", ""),
            ),
        )
        server.serve(
            HOST,
            "/news.xml",
            Answer(
                body=f"<urlset {NAMESPACE} {NEWS}><url><loc>http://{HOST}/a/7</loc><news:news>"
                f"<news:publication><news:language>en</news:language></news:publication>"
                f"<news:publication_date>{day(7)}</news:publication_date>"
                f"<news:title>Story 7</news:title></news:news></url></urlset>".encode()
            ),
        )
        yield server


@pytest.fixture
def rig(site: HttpSite, tmp_path: Path) -> FeedsRig:
    feeds = f"feeds:\n  - url: {FEED}\n    id: harbour\n"
    return FeedsRig(tmp_path, feeds, site.hosts("*.example"))


def records(rig: FeedsRig, topic: str = "news.entries.backfill") -> list[Record]:
    log = open_log(load(rig.config))
    try:
        return list(log.scan(topic))
    finally:
        log.close()


def entries(rig: FeedsRig) -> list[Entry]:
    return [wire.decode(record.value, Entry) for record in records(rig)]


def names(rig: FeedsRig) -> list[int]:
    return sorted(int(entry.url_published.rpartition("/")[2]) for entry in entries(rig))


def ran(rig: FeedsRig, *more: str, code: int = 0) -> Done:
    done = rig.run("backfill", "harbour", *more)
    assert done.code == code, done
    return done


def test_pages_and_sitemaps_are_followed_back_to_the_day_and_once(
    rig: FeedsRig, site: HttpSite
) -> None:
    (first,) = ran(rig, "--since", "30d", "--json").json_lines()
    assert names(rig) == [2, 5, 7, 9, 12, 20, 28]
    assert (first["pages"], first["sitemaps"], first["appended"]) == (3, 2, 7)
    assert not site.asked(HOST, "/old.xml"), "nothing in it is young enough"
    assert len(site.asked(HOST, "/4.xml")) == 1
    assert {entry.first_seen_at for entry in entries(rig)} == {
        datetime.fromisoformat(first["first_seen_at"])
    }
    found = {entry.title: entry for entry in entries(rig)}
    assert {entry.publisher for entry in found.values()} == {"Harbour"}, "the feed's title"
    assert found["Story 9"].published_at is not None
    assert found["Story 7"].language == "en"
    assert {record.header("backfill") for record in records(rig)} == {"1"}
    places = {record.partition for record in records(rig)}
    assert places == {partition_for(HOST, 12)}

    (second,) = ran(rig, "--since", "30d", "--json").json_lines()
    assert (second["appended"], second["new"]) == (0, 0)
    (longer,) = ran(rig, "--since", "55d", "--json").json_lines()
    assert longer["appended"] == 2
    assert names(rig) == [2, 5, 7, 9, 12, 20, 28, 40, 50]
    assert records(rig, "news.entries") == []


def test_a_dry_run_writes_nothing_and_says_what_it_would(rig: FeedsRig) -> None:
    done = ran(rig, "--dry-run", "--since", "10d")
    assert "4 new" in done.out
    assert "nothing was written" in done.out
    assert records(rig) == []
    ran(rig, "--since", "10d", "--no-sitemaps")
    assert names(rig) == [2, 5, 9]


def test_what_cannot_be_had_is_said(rig: FeedsRig, site: HttpSite) -> None:
    site.serve(HOST, "/2.xml", Answer(500))
    site.serve(HOST, "/month.xml", Answer(404))
    done = ran(rig, "--json", code=1)
    (report,) = done.json_lines()
    assert [one["reason"] for one in report["problems"]] == ["an older page: http_500", "http_404"]
    assert names(rig) == [7]


def test_a_cap_on_pages_is_said(rig: FeedsRig) -> None:
    done = ran(rig, "--max-pages", "1", "--no-sitemaps", code=1)
    assert "more than 1 older pages" in done.out
    assert names(rig) == [2, 5, 9]


def test_a_bound_on_entries_is_said_and_the_next_run_goes_on(rig: FeedsRig) -> None:
    done = ran(rig, "--max-entries", "3", code=1)
    assert "more than 3 entries" in done.out
    assert names(rig) == [2, 5, 9]
    ran(rig, "--max-entries", "4")
    assert names(rig) == [2, 5, 7, 9, 12, 20, 28]


def test_a_time_that_is_none_is_refused(rig: FeedsRig) -> None:
    done = rig.run("backfill", "harbour", "--since", "yesteryear")
    assert done.code != 0
    assert "30d" in done.err
    done = rig.run("backfill", "nobody")
    assert "no feed has this id" in done.err


def test_one_that_is_killed_is_gone_on_with(rig: FeedsRig, site: HttpSite) -> None:
    """The second page hangs: what was found before it is safe, and keeps its first sight."""
    hangs = Answer(200, b"<feed", wait_seconds=20.0)
    site.serve(HOST, "/3.xml", hangs)
    command = [sys.executable, "-m", "ingest.cli.main", "feeds", "backfill", "harbour", "--json"]
    environment = {
        **os.environ,
        "NEWS_INGEST_CONFIG": str(rig.config),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with subprocess.Popen(command, cwd=rig.folder, env=environment) as running:
        until = time.monotonic() + 60
        while not site.asked(HOST, "/3.xml"):
            assert time.monotonic() < until
            time.sleep(0.05)
        running.kill()
    first = entries(rig)
    assert names(rig) == [2, 5, 9]
    site.serve(HOST, "/3.xml", atom(20, 28, 40, older="/4.xml"))
    (second,) = ran(rig, "--json").json_lines()
    assert second["appended"] == 4
    assert names(rig) == [2, 5, 7, 9, 12, 20, 28]
    assert len({entry.first_seen_at for entry in entries(rig)}) == 1
    assert datetime.fromisoformat(second["first_seen_at"]) == first[0].first_seen_at
    (third,) = ran(rig, "--json").json_lines()
    assert datetime.fromisoformat(third["first_seen_at"]) > first[0].first_seen_at
    assert third["appended"] == 0


def test_a_signal_ends_it_at_once_and_it_says_so(rig: FeedsRig, site: HttpSite) -> None:
    site.serve(HOST, "/3.xml", Answer(200, b"<feed", wait_seconds=20.0))
    command = [sys.executable, "-m", "ingest.cli.main", "feeds", "backfill", "harbour"]
    environment = {
        **os.environ,
        "NEWS_INGEST_CONFIG": str(rig.config),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with subprocess.Popen(
        command, cwd=rig.folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        until = time.monotonic() + 60
        while not site.asked(HOST, "/3.xml"):
            assert time.monotonic() < until
            time.sleep(0.05)
        running.terminate()
        output, _ = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "interrupted: run it again to continue" in output
    assert names(rig) == [2, 5, 9]


def test_what_the_poll_stage_and_the_index_know_is_not_taken(rig: FeedsRig) -> None:
    settings = load(rig.config)
    index = open_index(settings)
    link = f"http://{HOST}/a/20"
    known = a_document(id=document_id_of_url(canonical_url(link)), url_canonical=link)
    index.put([IndexWrite(known)])
    index.close()
    log = open_log(settings)
    seen = [
        SeenRow(
            short_hash(f"tag:{HOST},2026:5"), NO_SKETCH, NO_SKETCH, NO_SKETCH, NO_SKETCH, 1, 0, 1
        )
    ]
    keys = packed("harbour", seen, [], {}, 1)
    state = FeedState(feed_id="harbour", configured_url=FEED)
    appender = log.appender()
    appender.append("news.feed-state", "harbour", encode_state(state), (), HOST)
    appender.append("news.feed-state", "harbour/keys", wire.encode(keys), (), HOST)
    appender.flush(10)
    appender.close()
    log.close()
    ran(rig, "--no-sitemaps")
    assert names(rig) == [2, 9, 28]


def test_a_host_at_rest_is_left_alone(rig: FeedsRig, site: HttpSite) -> None:
    site.serve(HOST, "/2.xml", Answer(429, headers=[("Retry-After", "3600")]))
    (report,) = ran(rig, "--json", code=1).json_lines()
    asked = len([seen for seen in site.requests if seen.path != "/robots.txt"])
    assert asked == 2, "the feed and the page; nothing after the request to wait"
    (again,) = ran(rig, "--json", code=1).json_lines()
    assert "host_rests" in {one["reason"] for one in again["problems"]}
    assert len([seen for seen in site.requests if seen.path != "/robots.txt"]) == asked
    assert report["appended"] == 0


def test_adding_a_feed_can_bring_its_past_with_it(site: HttpSite, tmp_path: Path) -> None:
    rig = FeedsRig(tmp_path, "feeds: []\n", site.hosts("*.example"))
    done = rig.run("add", FEED, "--id", "harbour", "--yes", "--backfill", "--since", "10d")
    assert done.code in (0, 1), done
    assert names(rig) == [2, 5, 7, 9]
    assert f"url: {FEED}" in rig.file.read_text(encoding="utf-8")
