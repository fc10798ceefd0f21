"""A newer extractor goes over what is indexed: from the log, and from the archive beyond it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ingest.sources.documents.archived_pages import archive_files
from tests.http_site import HttpSite
from tests.scenarios.harness import Installation
from tests.scenarios.press import Paper, papers

pytestmark = pytest.mark.slow

#: The extractor of tomorrow: the same text, and a better title.
NEWER = """
import msgspec
from ingest.outcome import Keep
from processors import extract_document

VERSION = 7
Options = extract_document.Options


def build(options: Options, *, clock, children=0):
    return Newer(extract_document.build(options, clock=clock, children=children))


class Newer:
    engine = "newer@7"

    def __init__(self, older):
        self._older = older

    def process_batch(self, pages):
        return [self._better(outcome) for outcome in self._older.process_batch(pages)]

    def _better(self, outcome):
        if not isinstance(outcome, Keep):
            return outcome
        document = outcome.value
        made = msgspec.structs.replace(document.extraction, engine=self.engine)
        title = f"{document.title}, better"
        return Keep(msgspec.structs.replace(document, extraction=made, title=title))

    def close(self):
        self._older.close()
"""


class Scene:
    """An installation over two papers, with an extractor of tomorrow on its path."""

    def __init__(self, folder: Path, site: HttpSite, engines: Mapping[str, str], **blocks: Any):
        (folder / "elsewhere").mkdir()
        (folder / "elsewhere" / "newer.py").write_text(NEWER)
        path = os.pathsep.join(
            filter(None, (str(folder / "elsewhere"), os.environ.get("PYTHONPATH", "")))
        )
        self.installation = Installation(
            folder / "home", hosts=site.hosts("*.example"),
            environment={"PYTHONPATH": path, **engines}, **blocks,
        )  # fmt: skip
        self.papers: list[Paper] = papers(site, 2)

    @property
    def archive(self) -> Path:
        return self.installation.folder / "var" / "archive"

    def upgrade(self) -> None:
        """Let the extractor of tomorrow work from the next start on."""
        self.installation.edit({"stages": {"extract": {"processors": ["newer:build"]}}})

    def replay(self, *arguments: str) -> dict[str, Any]:
        return dict(self.installation.command("replay", *arguments, "--json").json())


def sights(found: Mapping[str, Any]) -> dict[str, Any]:
    return {id: (hit["url"], hit["first_seen_at"]) for id, hit in found.items()}


def test_what_is_stale_is_extracted_anew_also_past_the_retention_of_the_log(tmp_path: Path) -> None:
    with HttpSite() as site:
        scene = Scene(tmp_path, site, {})
        with scene.installation as installation:
            scene.papers[0].publish(3)
            scene.papers[1].publish(2)
            installation.set_feeds([paper.feed for paper in scene.papers])
            tree = installation.start()
            installation.wait_for(searchable=5)
            _wait_until_archived(installation, 5)
            assert tree.stop() == 0
            before = installation.everything()
            assert [path.suffix for path in archive_files(scene.archive)] == [".gz"]

            scene.upgrade()
            dry = scene.replay("--from", "pages", "--stale", "--dry-run")
            assert (dry["chosen"], dry["from_log"], dry["outcomes"]) == (5, 5, {})
            _empty_pages(installation)
            one_site = scene.replay(
                "--from", "pages", "--since", "1d", "--domain", "paper-01.example"
            )
            assert one_site["from_archive"] == one_site["chosen"] == 2
            assert one_site["outcomes"] == {"searchable": 2}
            assert titles_of(installation) == {"paper-00.example": False, "paper-01.example": True}
            rest = scene.replay("--from", "pages", "--since", "1d", "--stale")
            assert rest["outcomes"] == {"searchable": 3}
            assert rest["left_out"] == {"fresh": 2}
            assert titles_of(installation) == {"paper-00.example": True, "paper-01.example": True}
            assert sights(installation.everything()) == sights(before)
            nothing = scene.replay("--from", "pages", "--stale")
            assert (nothing["chosen"], nothing["left_out"]) == (0, {"fresh": 5})
            audit = installation.audit()
            assert not audit["missing"]
            _assert_archived_elsewhere(scene, tmp_path / "other", sights(before))


def titles_of(installation: Installation) -> dict[str, bool]:
    """Return for each site whether all its titles are those of the newer extractor."""
    found: dict[str, bool] = {}
    for document in installation.found():
        is_newer = document.title.endswith(", better")
        assert document.extraction.engine == "newer@7" or not is_newer
        found[document.domain] = found.get(document.domain, True) and is_newer
    return found


def _wait_until_archived(installation: Installation, count: int) -> None:
    def all_read() -> bool:
        with installation.log() as log:
            lags = log.lag("news-archive", ["news.pages"])
            return sum(one.committed for one in lags) == count and not any(
                one.records for one in lags
            )

    installation.wait_until(all_read, "all pages archived")


def _empty_pages(installation: Installation) -> None:
    """Let the log's retention of pages pass."""
    path = installation.config / "topics.yml"
    yaml = YAML()
    data = yaml.load(path.read_text(encoding="utf-8"))
    kept = data["topics"]["news.pages"]["retention_days"]
    for days in (0.000001, kept):
        data["topics"]["news.pages"]["retention_days"] = days
        with path.open("w", encoding="utf-8") as file:
            yaml.dump(data, file)
        with installation.log() as log:
            log.apply(installation.settings().topics)
            while days != kept and list(log.scan("news.pages")):
                log.expire()  # type: ignore[attr-defined]


def _assert_archived_elsewhere(scene: Scene, folder: Path, wanted: dict[str, Any]) -> None:
    """Another installation makes the same documents of the files alone."""
    with Installation(folder, hosts={}) as other:
        done = other.command("ingest", str(scene.archive), "--wait", "--json").json()
        assert done["outcomes"]["searchable"] == 5
        assert sights(other.everything()) == wanted
        assert {feed for one in other.found() for feed in one.feed_ids} != {"files"}


def test_an_archive_stage_that_is_killed_misses_no_page(tmp_path: Path) -> None:
    with HttpSite() as site:
        scene = Scene(tmp_path, site, {})
        with scene.installation as installation:
            installation.set_feeds([paper.feed for paper in scene.papers])
            scene.papers[0].publish(2)
            tree = installation.start()
            for rounds in range(3):
                installation.wait_for(searchable=2 + rounds * 6)
                archiver = installation.wait_until(lambda: tree.stage("archive"), "it is back")
                for paper in scene.papers:
                    paper.publish(3)
                assert archiver is not None
                archiver.kill()
            installation.wait_for(searchable=20)
            _wait_until_archived(installation, 20)
            assert tree.stop() == 0
            assert all(path.suffix == ".gz" for path in archive_files(scene.archive))
            found = scene.replay("--from", "pages", "--since", "1d", "--dry-run")
            assert found["from_log"] == 20
            _empty_pages(installation)
            found = scene.replay("--from", "pages", "--since", "1d", "--dry-run")
            assert found["from_archive"] == 20


def test_an_archive_that_is_off_writes_nothing_and_its_stage_waits(tmp_path: Path) -> None:
    with HttpSite() as site:
        scene = Scene(tmp_path, site, {}, archive={"enabled": False})
        with scene.installation as installation:
            scene.papers[0].publish(1)
            installation.set_feeds([scene.papers[0].feed])
            idle = installation.start("--stage", "archive")
            tree = installation.start()
            installation.wait_for(searchable=1)
            installation.wait_until(lambda: idle.events("archive_is_off"), "said so")
            assert tree.stage("archive") is None
            assert (tree.stop(), idle.stop()) == (0, 0)
            assert not scene.archive.exists()
            lag = installation.command("lag", "--json").json()
            assert "archive" not in {one["stage"] for one in lag}


@pytest.mark.kafka
@pytest.mark.elasticsearch
def test_on_kafka_and_elasticsearch(
    tmp_path: Path, kafka_address: str, elasticsearch_url: str
) -> None:
    prefix = uuid.uuid4().hex[:8]
    engines = {
        "NEWS_INGEST_LOG_URL": f"kafka://{kafka_address}",
        "NEWS_INGEST_INDEX_URL": elasticsearch_url,
    }
    with HttpSite() as site:
        scene = Scene(
            tmp_path, site, engines, log={"session_timeout_seconds": 6},
            topics={"prefix": f"{prefix}."}, index={"prefix": f"{prefix}-"},
        )  # fmt: skip
        with scene.installation as installation:
            installation.command("setup")
            scene.papers[0].publish(3)
            installation.set_feeds([scene.papers[0].feed])
            stages = installation.start_stages()
            installation.wait_for(searchable=3)
            installation.wait_until(lambda: len(installation.urls()) == 3, "refreshed")
            before = installation.everything()
            assert stages["extract"].stop() == 0
            scene.upgrade()
            installation.start("--stage", "extract")
            done = scene.replay("--from", "pages", "--since", "1d", "--stale", "--wait")
            assert done["outcomes"] == {"searchable": 3}
            installation.wait_until(
                lambda: titles_of(installation) == {"paper-00.example": True}, "refreshed"
            )
            assert sights(installation.everything()) == sights(before)
            again = scene.replay("--from", "documents", "--since", "1d", "--wait")
            assert again["outcomes"] == {"searchable": 3}
            fresh = scene.replay("--from", "documents", "--since", "1d", "--stale")
            assert fresh["left_out"] == {"fresh": 3}
            asked = len(site.asked("paper-00.example"))
            entries = scene.replay(
                "--from", "entries", "--since", "1d", "--feed", scene.papers[0].name
            )
            assert entries["chosen"] == 3
            installation.wait_until(
                lambda: len(site.asked("paper-00.example")) >= asked + 3, "asked again"
            )
