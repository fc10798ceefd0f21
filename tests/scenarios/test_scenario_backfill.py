"""What a site published before it was polled becomes searchable behind its fresh news."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.pipeline.open_work import MAX_RECORDS
from tests.http_site import Answer, HttpSite, html
from tests.scenarios.harness import Installation

pytestmark = pytest.mark.slow

HOST = "harbour-times.example"
FEED = f"http://{HOST}/feed.xml"
NOW = datetime.now(UTC)
#: Days that the stories are old: in the feed, on its older page, in the sitemap alone, too old.
FRESH, PAGE, MAP, OLD = (0, 1), (3, 6, 9), (12, 15), (70,)
#: Short notices of one day in the sitemap: more than fetch keeps in its queue for a partition.
NOTICES = range(MAX_RECORDS + 20)
FOUND = len(PAGE) + len(MAP) + len(NOTICES)


def _day(ago: int) -> str:
    return f"{NOW - timedelta(days=ago, minutes=5):%Y-%m-%dT%H:%M:%SZ}"


def _atom(ages: tuple[int, ...], older: str = "") -> Answer:
    link = f'<link rel="prev-archive" href="{older}"/>' if older else ""
    rows = "".join(
        f"<entry><title>Harbour report number {age}</title><id>tag:{HOST},2026:{age}</id>"
        f'<updated>{_day(age)}</updated><link href="http://{HOST}/a/{age}"/></entry>'
        for age in ages
    )
    body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour</title>{link}{rows}</feed>'
    return Answer(body=body.encode(), headers=[("Content-Type", "application/atom+xml")])


def _serve(site: HttpSite) -> None:
    site.serve(HOST, "/feed.xml", _atom(FRESH, "/2.xml"))
    site.serve(HOST, "/2.xml", _atom(PAGE + OLD))
    robots = f"User-agent: *\nAllow: /\nSitemap: http://{HOST}/map.xml\n"
    site.serve(HOST, "/robots.txt", Answer(body=robots.encode()))
    urls = "".join(
        f"<url><loc>http://{HOST}/a/{age}</loc><lastmod>{_day(age)}</lastmod></url>"
        for age in PAGE + MAP + OLD
    )
    urls += "".join(
        f"<url><loc>http://{HOST}/notice/{number}</loc><lastmod>{_day(20)}</lastmod></url>"
        for number in NOTICES
    )
    for number in NOTICES:
        site.serve(HOST, f"/notice/{number}", _story(f"Notice to mariners {number}", number))
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    site.serve(HOST, "/map.xml", Answer(body=f'<urlset xmlns="{space}">{urls}</urlset>'.encode()))
    for age in FRESH + PAGE + MAP + OLD:
        site.serve(HOST, f"/a/{age}", _story(f"Harbour report number {age}", age))


def _story(title: str, number: int) -> Answer:
    text = (
        f"The harbour master of Port Elsin gave report number {number} to the council. "
        f"It tells of {number + 3} ships that came in, of the state of the outer wall, and of what "
        "the dredging of the northern channel has cost since the spring of this year. "
        "The council will talk about it in its next open session."
    )
    return html(title, text)


def _told(installation: Installation) -> None:
    """Run the backfill while all stages run, twice, and look at what came of it."""
    count = len(FRESH)
    installation.wait_for(searchable=count)
    done = installation.command("feeds", "backfill", "harbour", "--since", "30d", "--json").json()
    assert done["appended"] == FOUND
    count += FOUND
    installation.wait_for(searchable=count, entries=count)
    again = installation.command("feeds", "backfill", "harbour", "--since", "30d", "--json").json()
    assert (again["appended"], again["new"]) == (0, 0)
    installation.wait_until(lambda: len(installation.urls()) == count, "all found")
    assert installation.urls() == sorted(
        [f"http://{HOST}/a/{age}" for age in FRESH + PAGE + MAP]
        + [f"http://{HOST}/notice/{number}" for number in NOTICES]
    )
    places = [step["place"].partition("/")[0] for step in installation.trace(f"http://{HOST}/a/12")]
    assert [place for place in places if place.startswith("news.")] == [
        "news.entries.backfill",
        "news.pages.backfill",
        "news.documents.backfill",
        "news.enriched.backfill",
    ]
    lag = {one["stage"]: one for one in installation.command("lag", "--json").json()}
    assert {one["waiting_in_backfill"] for one in lag.values()} == {0}
    found = {document.title: document for document in installation.found()}
    assert found["Harbour report number 9"].first_seen_at == datetime.fromisoformat(
        done["first_seen_at"]
    )


FEEDS = [{"url": FEED, "id": "harbour"}]


def test_a_backfill_becomes_searchable_once_on_topics_of_its_own(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(tmp_path, hosts=site.hosts("*.example"), feeds=FEEDS) as installation,
    ):
        _serve(site)
        tree = installation.start()
        _told(installation)
        assert tree.stop() == 0


@pytest.mark.kafka
@pytest.mark.elasticsearch
def test_a_backfill_becomes_searchable_on_the_servers(
    tmp_path: Path, kafka_address: str, elasticsearch_url: str
) -> None:
    prefix = uuid.uuid4().hex[:8]
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            feeds=FEEDS,
            environment={
                "NEWS_INGEST_LOG_URL": f"kafka://{kafka_address}",
                "NEWS_INGEST_INDEX_URL": elasticsearch_url,
            },
            log={"session_timeout_seconds": 6},
            topics={"prefix": f"{prefix}."},
            index={"prefix": f"{prefix}-"},
        ) as installation,
    ):
        _serve(site)
        installation.command("setup")
        tree = installation.start()
        _told(installation)
        assert tree.stop() == 0
