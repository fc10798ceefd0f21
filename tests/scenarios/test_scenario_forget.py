"""A document and a site are forgotten while news comes in: both stay out, whatever sends them again."""

from __future__ import annotations

import signal
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ingest.sources.documents.archived_pages import archive_files, metadata_of
from tests.http_site import HttpSite
from tests.scenarios.harness import Installation
from tests.scenarios.press import Paper, papers
from tests.scenarios.processes import COMMAND

pytestmark = pytest.mark.slow


def test_what_is_forgotten_stays_out_on_the_embedded_pair(tmp_path: Path) -> None:
    _tell(tmp_path, {})


@pytest.mark.kafka
@pytest.mark.elasticsearch
def test_what_is_forgotten_stays_out_on_kafka_and_elasticsearch(
    tmp_path: Path, kafka_address: str, elasticsearch_url: str
) -> None:
    prefix = uuid.uuid4().hex[:8]
    engines = {
        "NEWS_INGEST_LOG_URL": f"kafka://{kafka_address}",
        "NEWS_INGEST_INDEX_URL": elasticsearch_url,
    }
    _tell(
        tmp_path, engines, log={"session_timeout_seconds": 6}, topics={"prefix": f"{prefix}."},
        index={"prefix": f"{prefix}-"},
    )  # fmt: skip


def _tell(folder: Path, engines: Mapping[str, str], **blocks: Any) -> None:
    with HttpSite() as site:
        kept, left = papers(site, 2)
        with Installation(
            folder, hosts=site.hosts("*.example"), environment=engines, **blocks
        ) as installation:
            if engines:
                installation.command("setup")
            installation.set_feeds([kept.feed, left.feed])
            gone, *_ = kept.publish(3)
            left.publish(3)
            tree = installation.start()
            installation.wait_for(searchable=6)
            installation.wait_until(lambda: len(_archived(installation)) == 6, "6 pages archived")

            dry = _forget(installation, gone, "--dry-run")
            assert dry["documents"] == 1
            assert len(installation.urls()) == 6
            # Killed anywhere; then again, with articles of the same site in flight.
            for seconds in (0.4, 0.8, 1.2, 1.6):
                _killed(installation, seconds, "forget", "--domain", left.host, "--reason", "law")
                left.publish(2)
            _forget(installation, "--domain", left.host, "--reason", "law")
            done = _forget(installation, gone, "--reason", "law")
            assert {one["topic"] for one in done["remains"]} >= {"news.pages", "news.enriched"}
            left.publish(3)
            kept.publish(1)
            installation.wait_until(lambda: len(installation.urls()) == 3, "the newest is there")
            _assert_forgotten(installation, gone, left)
            decisions = installation.command("forget", "--list", "--json").json()["forgotten"]
            assert {one["reason"] for one in decisions} == {"law"}

            # A replay of everything, and its files taken in again, bring nothing back.
            found = installation.command("replay", "--from", "enriched", "--since", "1d", "--json")
            assert found.json()["left_out"]["forgotten"] >= 4
            installation.command("ingest", str(installation.folder / "var/archive"), "--json")
            installation.wait_until(lambda: _is_quiet(installation), "all is read")
            _assert_forgotten(installation, gone, left)
            assert tree.stop() == 0
            _assert_forgotten(installation, gone, left)
            assert not [path for path in archive_files(_archive(installation)) if _is_open(path)]


def _forget(installation: Installation, *arguments: str) -> dict[str, Any]:
    return dict(installation.command("forget", *arguments, "--json").json())


def _killed(installation: Installation, seconds: float, *arguments: str) -> None:
    """Run a command and kill it after so many seconds, wherever it is."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=installation.folder, env=installation.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def _assert_forgotten(installation: Installation, gone: str, left: Paper) -> None:
    urls = installation.urls()
    assert gone not in urls
    assert not [url for url in urls if left.host in url]
    assert len(urls) == 3
    archived = _archived(installation)
    assert not [one for one in archived if left.host.encode() in one or gone.encode() in one]
    assert len(archived) == 3


def _archive(installation: Installation) -> Path:
    return installation.folder / "var" / "archive"


def _archived(installation: Installation) -> list[bytes]:
    """Return the metadata of the archived pages."""
    folder = _archive(installation)
    return [one for path in archive_files(folder) for one in metadata_of(path, 2**24)]


def _is_open(path: Path) -> bool:
    return path.suffix == ".open"


def _is_quiet(installation: Installation) -> bool:
    audit = installation.audit()
    return not audit["waiting"] and not audit["missing"]
