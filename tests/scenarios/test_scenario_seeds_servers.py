"""The seeds on real Kafka and Elasticsearch, each stage a process of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.cli.demo.seed_sites import SeedSites
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.seeds_expected import (
    SEEDS,
    assert_documents,
    assert_facets,
    assert_shape,
    expected,
)

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.elasticsearch]


@pytest.fixture
def sites() -> Iterator[tuple[SeedSites, int]]:
    """Return the seeds' sites and the port that serves them."""
    sites = SeedSites(SEEDS)
    port = sites.start()
    yield sites, port
    sites.stop()


def test_the_seeds_are_searchable_after_setup_and_five_stages_on_their_own(
    tmp_path: Path, kafka_address: str, elasticsearch_url: str, sites: tuple[SeedSites, int]
) -> None:
    prefix = uuid.uuid4().hex[:8]
    two_urls = {
        "NEWS_INGEST_LOG_URL": f"kafka://{kafka_address}",
        "NEWS_INGEST_INDEX_URL": elasticsearch_url,
    }
    with Installation(
        tmp_path,
        hosts=dict.fromkeys(sites[0].sites, f"127.0.0.1:{sites[1]}"),
        feeds=[
            {
                "url": f"http://{site.host}{site.feed}",
                "publisher": site.publisher,
                "language": site.language,
            }
            for site in sites[0].sites.values()
        ],
        environment=two_urls,
        log={"session_timeout_seconds": 6},  # the least that a broker allows by itself
        topics={"prefix": f"{prefix}."},
        index={"prefix": f"{prefix}-"},
    ) as installation:
        _set_up(installation)
        stages = installation.start_stages()
        count = len(expected())
        installation.wait_for(searchable=count)
        installation.wait_until(lambda: len(installation.titles("*")) == count, "all refreshed")
        assert_documents(installation)
        assert_facets(installation)
        assert_shape(installation.search("harbour"))
        assert len(installation.titles('person:"agnes thibaud"')) == 1
        assert len(installation.titles('place:"düsseldorf" language:de')) == 1
        assert installation.command("audit", "--deep", "--json").json()["waiting"] == 0
        assert installation.command("dead-letters", "list", "--json").json_lines() == []
        workers = {one["stage"]: one for one in installation.command("lag", "--json").json()}
        assert set(workers) == set(STAGES) - {"poll"}
        assert {(one["workers"], one["waiting"]) for one in workers.values()} == {(1, 0)}
        assert {name: one.stop() for name, one in stages.items()} == dict.fromkeys(STAGES, 0)


def _set_up(installation: Installation) -> None:
    """Setup shows what differs, makes it so, and then finds nothing more to do."""
    refused = installation.start("--stage", "extract")
    assert refused.ended() == 2
    assert "news-ingest setup" in refused.lines.read_text()
    would = installation.command("setup", "--dry-run").out
    assert "would change" in would
    assert "news.entries" in would
    assert "documents" in would
    assert installation.command("setup", "--dry-run").out == would
    done = installation.command("setup").out
    assert "nothing differs" not in done
    assert installation.command("setup").out.strip() == "nothing differs"
    assert installation.command("setup", "--dry-run").out.strip() == "nothing differs"
