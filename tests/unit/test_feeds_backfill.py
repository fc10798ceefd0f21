"""`news-ingest feeds backfill`: older pages and sitemaps, on topics of their own, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from feeds_rig import Done, FeedsRig
from http_site import Answer, HttpSite

from ingest import wire
from ingest.bootstrap.engines import open_log
from ingest.model import Entry
from ingest.partition import partition_for
from ingest.ports import Record
from ingest.settings.load import load

HOST = "harbour-times.example"
FEED = f"http://{HOST}/feed.xml"
NOW = datetime.now(UTC)
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'

pytestmark = pytest.mark.slow


def day(ago: int) -> str:
    return f"{NOW - timedelta(days=ago):%Y-%m-%dT%H:%M:%SZ}"


def atom(*ages: int, older: str = "") -> Answer:
    """Give an Atom page of stories so many days old; `older` names the page before it."""
    link = f'<link rel="prev-archive" href="{older}"/>' if older else ""
    rows = "".join(
        f"<entry><title>Story {age}</title><id>tag:{HOST},2026:{age}</id>"
        f'<updated>{day(age)}</updated><link href="http://{HOST}/a/{age}"/></entry>'
        for age in ages
    )
    body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour</title>{link}{rows}</feed>'
    return Answer(body=body.encode(), headers=[("Content-Type", "application/atom+xml")])


def plain(*rows: tuple[str, str]) -> Answer:
    """Give a sitemap of (path, lastmod)."""
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


def test_a_time_that_is_none_is_refused(rig: FeedsRig) -> None:
    done = rig.run("backfill", "harbour", "--since", "yesteryear")
    assert done.code != 0
    assert "30d" in done.err
    done = rig.run("backfill", "nobody")
    assert "no feed has this id" in done.err


def test_adding_a_feed_can_bring_its_past_with_it(site: HttpSite, tmp_path: Path) -> None:
    rig = FeedsRig(tmp_path, "feeds: []\n", site.hosts("*.example"))
    done = rig.run("add", FEED, "--id", "harbour", "--yes", "--backfill", "--since", "10d")
    assert done.code in (0, 1), done
    assert names(rig) == [2, 5, 7, 9]
    assert f"url: {FEED}" in rig.file.read_text(encoding="utf-8")
