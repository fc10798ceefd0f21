"""No verb shows a secret of the settings: every verb runs on settings full of canaries."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from ingest.bootstrap.engines import open_index
from ingest.cli.feeds import VERBS as FEED_VERBS
from ingest.cli.main import VERBS
from ingest.model import Feed
from ingest.polling.report.feed_reporter import record_of
from ingest.polling.state.feed_state import FeedState
from ingest.settings.load import load
from tests.http_site import Answer, HttpSite, redirect
from tests.unit.feeds_rig import FeedsRig
from tests.unit.polling_rig import feed_answer

pytestmark = pytest.mark.slow
#: Part of every secret below, in no other text.
CANARY = "c4n4ry"
FEEDS = """\
feeds:
  - {url: "http://keyed.example/feed.xml?apikey=c4n4ry-1", id: keyed}
  - {url: "http://moved.example/feed.xml?n=1;TOKEN=c4n4ry-2", id: moved}
  - {url: "http://reader:c4n4ry-3@login.example/feed.xml", id: login}
  - url: http://headers.example/feed.xml
    id: headers
    headers: {X-Partner: c4n4ry-4}
    basic_auth: {env: FEED_LOGIN}
    cookie: {env: FEED_COOKIE}
  - {url: "http://gone.example/feed.xml?sig=c4n4ry-6", id: gone}
  - {url: "http://inward.example/feed.xml?key=c4n4ry-7", id: inward}
  - {url: "http://broken.example/feed.xml?access_token=c4n4ry-8", id: broken}
  - {url: "http://proxied.example/f?auth=c4n4ry-0", id: proxied, proxy: "http://u:c4n4ry-9@127.0.0.1:9"}
"""
LOGINS = {"FEED_LOGIN": "alice:c4n4ry-a", "FEED_COOKIE": "session=c4n4ry-b"}
SECRETS = {
    "NEWS_INGEST_INDEX_PASSWORD": "c4n4ry-c",
    "NEWS_INGEST_INDEX_API_KEY": "c4n4ry-d",
    "NEWS_INGEST_LOG_PASSWORD": "c4n4ry-e",
    "NEWS_INGEST_KIBANA_PASSWORD": "c4n4ry-f",
}
UNREACHABLE = {
    "NEWS_INGEST_LOG_URL": "kafka://user:c4n4ry-g@127.0.0.1:9",
    "NEWS_INGEST_INDEX_URL": "http://user:c4n4ry-h@127.0.0.1:9",
    "NEWS_INGEST_KIBANA_URL": "http://user:c4n4ry-i@127.0.0.1:9",
    "NEWS_INGEST_WORKER_START_TIMEOUT_SECONDS": "1",
}
#: What each verb is given; verbs that are not here take no arguments.
ARGUMENTS = {
    "trial": ["--hours", "0.002", "--json"],
    "ingest": ["paper.txt"],
    "extract": ["paper.txt"],
    "search": ["ferry"],
    "show": ["0" * 32],
    "setup": ["--dry-run"],
    "trace": ["http://keyed.example/feed.xml?apikey=c4n4ry-1"],
    "replay": ["--feed", "keyed", "--dry-run"],
    "dead-letters": ["list"],
    "secrets": ["make"],
    "feeds status": ["keyed"],
    "feeds poll": ["keyed"],
    "feeds add": ["http://keyed.example/feed.xml?apikey=c4n4ry-1&n=2", "--yes"],
    "feeds remove": ["keyed", "--dry-run"],
    "feeds test": ["keyed", "broken"],
    "feeds discover": ["http://keyed.example/feed.xml?apikey=c4n4ry-1"],
    "feeds import": ["list.opml", "--dry-run"],
    "feeds backfill": ["keyed", "--dry-run"],
}
FEED = Feed(id="moved", url="http://moved.example/f?apikey=c4n4ry", publisher="")
#: Verbs that show real addresses on purpose, or are not about these settings.
REVEALING = {"demo", "feeds export"}


EACH = """
import json, sys
from ingest.cli.main import main
for verb in json.loads(sys.argv[1]):
    print("=====", verb[0], flush=True)
    sys.argv = ["news-ingest", *verb]
    try:
        main()
    except SystemExit:
        pass
"""


class Keyed(FeedsRig):
    """An installation whose every secret is a canary."""

    def __init__(self, folder: Path, site: HttpSite) -> None:
        super().__init__(folder, FEEDS, site.hosts("*.example"))
        (folder / "paper.txt").write_text("The ferry\n\nNo boat left Port Elsin today.\n")
        (folder / "list.opml").write_text(
            '<opml version="2.0"><body><outline text="A" xmlUrl="http://u:c4n4ry@a.example/f"/>'
            '<outline text="B" xmlUrl="http://b.example/f?apikey=c4n4ry"/></body></opml>'
        )
        self.environment = {
            **{key: value for key, value in os.environ.items() if "NEWS_INGEST_" not in key},
            "NEWS_INGEST_CONFIG": str(self.config),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "NEWS_INGEST_TELEMETRY_LEVEL": "debug",
            **LOGINS,
            **SECRETS,
        }

    def output(self, *arguments: str, **more: str) -> str:
        """Return all that a verb prints; it must not hold a canary."""
        return self._said(["-m", "ingest.cli.main", *arguments], **more)

    def outputs(self, verbs: list[list[str]]) -> None:
        """Run these verbs in one process, which is faster; none may print a canary."""
        said = self._said(["-c", EACH, json.dumps(verbs)])
        assert said.count("===== ") == len(verbs)

    def _said(self, arguments: list[str], **more: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        assert_clean(done.stdout, arguments)
        return done.stdout

    def run_until(self, *words: str) -> str:
        """Return what `run` prints, at the level debug, until each of these was printed."""
        path = self.folder / "run.log"
        with path.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "ingest.cli.main", "run"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            until = time.monotonic() + 120
            while missing := [one for one in words if one not in path.read_text()]:
                assert time.monotonic() < until, missing
                time.sleep(0.1)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        return path.read_text()


#: What `run` prints once an article is searchable.
DONE = '"event": "document_indexed"'


def assert_clean(text: str, about: object = "") -> None:
    shown = re.sub(r"\s", "", text)  # a table may break a word
    place = shown.find(CANARY)
    assert place < 0, (about, shown[max(0, place - 200) : place + 40])


def every_verb() -> list[list[str]]:
    names = [verb for verb in VERBS if verb not in ("feeds", "run", *REVEALING)]
    names += [f"feeds {verb}" for verb in FEED_VERBS if f"feeds {verb}" not in REVEALING]
    return [[*name.split(), *ARGUMENTS.get(name, [])] for name in names]


@pytest.fixture
def site() -> Iterator[HttpSite]:
    with HttpSite() as running:
        running.serve("*", "/robots.txt", Answer(404))
        for host in ("keyed.example", "login.example", "headers.example"):
            running.serve(host, "*", feed_answer("bridge", "ferry", host=host))
        running.serve("moved.example", "*", redirect("/new?token=c4n4ry-l", 301))
        running.serve("gone.example", "*", Answer(410))
        running.serve("inward.example", "*", redirect("http://10.0.0.1/x?apikey=c4n4ry-m"))
        running.serve("broken.example", "*", Answer(body=b"the key c4n4ry-8 is not valid"))
        yield running


def test_no_verb_shows_a_secret(tmp_path: Path, site: HttpSite) -> None:
    rig = Keyed(tmp_path / "home", site)
    feeds = re.findall(r"id: (\w+)", FEEDS)
    assert_clean(rig.run_until(*(f'"feed": "{name}"' for name in feeds), DONE), "run")
    verbs = every_verb()
    verbs += [[*verb, "--json"] for verb in verbs if verb[0] in ("check", "trace", "feeds")][:8]
    rig.outputs(verbs)
    assert_clean((rig.folder / "var" / "trial" / "report.md").read_text(), "the report of a trial")
    assert "apikey=***" in rig.output("feeds", "list", "--json")
    assert "moved.example/new?token=***" in rig.output("feeds", "status", "moved")


def test_what_analysts_see_of_a_feed_holds_no_key(tmp_path: Path, site: HttpSite) -> None:
    rig = Keyed(tmp_path / "home", site)
    rig.run_until(DONE, '"feed": "keyed"')
    index = rig.folder / "var" / "index.db"
    for file in (index, index.with_name("index.db-wal")):
        assert not file.exists() or CANARY.encode() not in file.read_bytes()
    assert json.loads(rig.output("search", "ferry", "--json"))["total"] > 0
    with closing(open_index(load(rig.config))) as opened:
        found = opened.feeds.find(["keyed"])
    assert found["keyed"].configured_url == "http://keyed.example/feed.xml?apikey=***"
    moved = FeedState(
        feed_id="moved", configured_url=FEED.url, effective_url="http://b.example/?token=c4n4ry"
    )
    moved = replace(moved, last_error_text="no answer from http://u:c4n4ry@b.example")
    assert_clean(repr(record_of(FEED, moved, datetime.now(UTC))))


def test_export_shows_the_addresses_that_feeds_are_asked_at(tmp_path: Path, site: HttpSite) -> None:
    rig = Keyed(tmp_path / "home", site)
    exported = subprocess.run(
        [sys.executable, "-m", "ingest.cli.main", "feeds", "export", "--format", "yaml"],
        env=rig.environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "apikey=c4n4ry-1" in exported
    assert "proxy" not in exported
    for login in ("c4n4ry-3", "c4n4ry-4", "c4n4ry-9", "c4n4ry-a"):
        assert login not in exported


def test_servers_that_do_not_answer_show_no_secret(tmp_path: Path, site: HttpSite) -> None:
    rig = Keyed(tmp_path / "home", site)
    for verb in (["check"], ["audit"], ["search", "ferry"], ["setup"], ["feeds", "list"]):
        assert "127.0.0.1:9" in rig.output(*verb, **UNREACHABLE)
    for stage in ("poll", "index"):
        assert "127.0.0.1:9" in rig.output("run", "--stage", stage, **UNREACHABLE)


FAULTS = {
    "index": {"password": 98765432, "pasword": "c4n4ry", "verify_tls": "perhaps"},
    "log": {"url": "ftp://user:c4n4ry@host", "password": ["c4n4ry"]},
    "kibana": {"url": "user:c4n4ry@host", "password": {"a": "c4n4ry"}},
}
BROKEN_FEEDS = """\
groups: {g: {headers: {X-Key: [c4n4ry]}}}
feeds:
  - {url: "http://a.example/f", basic_auth: "alice:c4n4ry"}
  - {url: "http://b.example/f", basic_auth: {env: "alice:c4n4ry"}}
  - {url: "http://c.example/f", basic_auth: {file: "alice:c4n4ry"}}
  - {url: "http://d.example/f", cookie: [c4n4ry]}
  - {url: "http://e.example/f", headers: "X-Key: c4n4ry"}
  - {url: "http://f.example/f", headers: {X-Key: {a: c4n4ry}}}
  - {url: "http://g.example/f", basic-auth: "alice:c4n4ry"}
  - {url: "ftp://h.example/f?apikey=c4n4ry"}
  - [{url: "http://i.example/f", basic_auth: "alice:c4n4ry"}]
  - {url: "http://user:c4n4ry@j.example/f", priority: -1, id: "?"}
"""


def test_faults_of_the_settings_show_no_secret(tmp_path: Path, site: HttpSite) -> None:
    rig = Keyed(tmp_path / "home", site)
    (rig.config / "pipeline.yml").write_text(
        (rig.config / "pipeline.yml").read_text().replace("index:", "index_:").replace("log:", "log_:")
        + json.dumps(FAULTS)[1:-1].replace('}, "', '}\n"') + "\n"
    )  # fmt: skip
    rig.file.write_text(BROKEN_FEEDS)
    files = {f"{name}_FILE": "c4n4ry/no-file" for name in SECRETS}
    rig.environment = {k: v for k, v in rig.environment.items() if k not in SECRETS}
    for verb in (("check",), ("run",), ("feeds", "list"), ("run", "--stage", "poll")):
        said = rig.output(*verb, **files)
        assert "98765432" not in said
        assert "perhaps" in said  # what is no secret is shown
        assert said.count("***") > 2
    rig.output("check", NEWS_INGEST_INDEX_PASWORD=CANARY)
    for url in ("http://user:c4n4ry/x@host", "http://user:c4n4ry?x@host", "http://[c4n4ry@host"):
        said = rig.output("check", NEWS_INGEST_INDEX_URL=url)
        assert "index.url" in said
    for text in ("index: {password: *c4n4ry}\n", "index: {password: !c4n4ry x}\n"):
        (rig.config / "pipeline.yml").write_text(text)
        assert "config/pipeline.yml:1" in rig.output("check")


def test_the_traceback_of_a_bug_shows_no_secret(tmp_path: Path, site: HttpSite) -> None:
    rig = Keyed(tmp_path / "home", site)
    (rig.folder / "sitecustomize.py").write_text(
        "import ingest.search.parse as module\n"
        "def broken(*_, **__): raise RuntimeError('http://user:c4n4ry@host/?apikey=c4n4ry')\n"
        "module.parse = broken\n"
    )
    path = os.pathsep.join((str(rig.folder), rig.environment["PYTHONPATH"]))
    said = rig.output("search", "ferry", PYTHONPATH=path)
    assert "RuntimeError: http://***@host/?apikey=***" in said
