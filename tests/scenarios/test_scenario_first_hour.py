"""The first hour: the installed package in an empty folder, from `init` to a search."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.http_site import Answer, HttpSite
from tests.scenarios.harness import ROOT
from tests.scenarios.press import papers
from tests.scenarios.processes import PATIENCE_SECONDS, Done
from tests.wheel import build_wheel, install_wheel

pytestmark = pytest.mark.slow

ARTICLES = 5


class Newcomer:
    """An empty folder, and the command as somebody has it who has just installed the package."""

    def __init__(self, command: Path, folder: Path) -> None:
        self.command, self.folder = command, folder
        own = {name: one for name, one in os.environ.items() if not name.startswith("NEWS_INGEST_")}
        self.environment = own
        self.times: dict[str, float] = {}

    def does(self, *arguments: str, code: int = 0) -> Done:
        done = subprocess.run(
            [self.command, *arguments],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE_SECONDS,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def timed(self, step: str, act: Callable[[], Any]) -> Any:
        began = time.monotonic()
        result = act()
        self.times[step] = time.monotonic() - began
        return result

    def found(self, query: str) -> list[Any]:
        """Return the hits of a search, as soon as all articles are there."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.does("search", query, "--json").json()
            if answer["total"] >= ARTICLES:
                return list(answer["hits"])
            assert time.monotonic() < until, answer
            time.sleep(0.2)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    folder = tmp_path_factory.mktemp("first-hour")
    (folder / "wheel").mkdir()
    (folder / "empty").mkdir()
    command = install_wheel(build_wheel(folder / "wheel"), folder / "environment")
    return Newcomer(command, folder / "empty")


def lead_here(config: Path, site: HttpSite) -> None:
    """Send the names of the sites to this machine, and ask them without pauses, for the test."""
    pipeline = config / "pipeline.yml"
    text = pipeline.read_text(encoding="utf-8")
    assert text.count("\nfetching:\n") == 1
    text = text.replace("\nfetching:\n", "\nfetching:\n  gap_seconds: 0\n")
    hosts = "".join(f'    "{name}": {place}\n' for name, place in site.hosts("*.example").items())
    pipeline.write_text(f"{text}\naddress_guard:\n  hosts:\n{hosts}", encoding="utf-8")


def test_from_an_empty_folder_to_a_search(
    newcomer: Newcomer, capsys: pytest.CaptureFixture[str]
) -> None:
    with HttpSite() as site:
        (paper,) = papers(site, 1)
        paper.publish(ARTICLES)
        home = (
            f'<html><head><link rel="alternate" type="application/rss+xml" href="{paper.feed_url}">'
        )
        site.serve(paper.host, "/", Answer(body=home.encode()))
        made = newcomer.timed("init", lambda: newcomer.does("init", "--contact", "me@mail.example"))
        assert "news-ingest feeds add" in made.out
        config = newcomer.folder / "config"
        lead_here(config, site)
        newcomer.timed(
            "feeds add", lambda: newcomer.does("feeds", "add", "--yes", f"http://{paper.host}/")
        )
        with (newcomer.folder / "run.log").open("wb") as lines:
            running = subprocess.Popen(
                [newcomer.command, "run"],
                cwd=newcomer.folder, env=newcomer.environment, stdin=subprocess.DEVNULL,
                stdout=lines, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                newcomer.timed("run, until all is found", lambda: newcomer.found("*"))
                hits = newcomer.timed("search", lambda: newcomer.found("*"))
            finally:
                running.send_signal(signal.SIGTERM)
                running.wait(PATIENCE_SECONDS)
        shown = newcomer.does("feeds", "status", paper.name, "--json").json()
        assert (shown["publisher"], shown["url"]) == (paper.name, paper.feed_url)
    assert running.returncode == 0, (newcomer.folder / "run.log").read_text()[-3000:]
    assert sorted(hit["url"] for hit in hits) == sorted(paper.urls)
    assert {hit["publisher"] for hit in hits} == {paper.name}  # the title of its feed
    asked = {seen.header("user-agent") for seen in site.requests}
    assert all("(+me@mail.example)" in str(one) for one in asked), asked
    with capsys.disabled():
        steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in newcomer.times.items())
        print(f"\nfirst hour: {steps}")


def test_the_installed_package_holds_all_of_config(newcomer: Newcomer) -> None:
    newcomer.does("init", "other", "--contact", "")
    made, shipped = newcomer.folder / "other" / "config", ROOT / "config"
    for path in shipped.rglob("*"):
        if path.is_file() and not path.name.startswith(".") and path.name != "feeds.yml":
            name = path.relative_to(shipped)
            assert (made / name).read_bytes() == path.read_bytes(), name
    assert not list(made.rglob(".*"))
