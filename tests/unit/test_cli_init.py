"""`news-ingest init` writes settings that work at once, and never over others."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ingest.cli.init import new_config
from ingest.cli.init.new_config import make_config, public_feeds
from ingest.cli.main import app
from ingest.errors import WrongArgument
from ingest.settings.load import load
from tests.scenarios.processes import COMMAND


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["init", *arguments])


def test_the_settings_are_whole_commented_and_without_faults(tmp_path: Path) -> None:
    done = run(str(tmp_path / "archive"), "--contact", "https://mine.example/robot")
    assert done.exit_code == 0, done.output
    config = tmp_path / "archive" / "config"
    settings = load(config, {})
    assert settings.pipeline.fetching.contact_url == "https://mine.example/robot"
    assert settings.feeds.feeds == {}
    assert settings.feeds.faults == []
    assert "# your web page or mail address" in (config / "pipeline.yml").read_text("utf-8")
    assert (config / "index" / "documents.json").exists()


@pytest.mark.parametrize(
    "options",
    [("--topic", "science"), ("--language", "fr"), ("--topic", "world", "--language", "de")],
)
def test_public_feeds_are_taken_by_topic_and_language(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    assert run(str(tmp_path), "--contact", "", *options).exit_code == 0
    feeds = load(tmp_path / "config", {}).feeds
    assert feeds.faults == []
    wanted = dict(zip(options[::2], options[1::2], strict=True))
    assert {feed.url for feed in feeds.feeds.values()} == {
        feed.url
        for feed in public_feeds()
        if wanted.get("--topic", feed.topic) == feed.topic
        and wanted.get("--language", feed.language) == feed.language
    }
    topics = {feed.url: feed.topic for feed in public_feeds()}
    assert all(feed.group == topics[feed.url] for feed in feeds.feeds.values())


def test_every_offered_feed_is_a_valid_block_and_offered_once(tmp_path: Path) -> None:
    make_config(tmp_path / "config", "", public_feeds())
    feeds = load(tmp_path / "config", {}).feeds
    assert feeds.faults == []
    assert len(feeds.feeds) == len(public_feeds()) == len({feed.url for feed in public_feeds()})


def test_settings_that_exist_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feeds.yml").write_text("feeds: []  # mine\n")
    done = run(str(tmp_path), "--contact", "")
    assert done.exit_code == 2
    assert "there are settings already" in done.output
    assert [path.name for path in (tmp_path / "config").iterdir()] == ["feeds.yml"]


def test_what_an_interrupted_init_left_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".config.new").mkdir()
    (tmp_path / ".config.new" / "half.yml").write_text("half")
    assert run(str(tmp_path), "--contact", "").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["config"]
    assert not (tmp_path / "config" / "half.yml").exists()


@pytest.mark.parametrize(
    "contact", ["me", "me@", "a b@mail.example", "ftp://mine.example", "x@y\n"]
)
def test_a_contact_that_reaches_nobody_is_refused(tmp_path: Path, contact: str) -> None:
    with pytest.raises(WrongArgument, match="neither a web page nor a mail address"):
        new_config.check_contact(contact)


def test_a_topic_that_is_not_offered_is_refused_with_the_nearest(tmp_path: Path) -> None:
    done = run(str(tmp_path), "--contact", "", "--topic", "sience")
    assert done.exit_code == 2
    assert "did you mean science?" in done.output
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_the_contact_must_be_an_option(tmp_path: Path) -> None:
    done = run(str(tmp_path))
    assert done.exit_code == 2
    assert "--contact" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"me@mail.example\nscience, sport\nen\n")
    done = subprocess.run(
        [*COMMAND, "init"], cwd=tmp_path, stdin=theirs, capture_output=True, text=True, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    settings = load(tmp_path / "config", {})
    assert settings.pipeline.fetching.contact_url == "me@mail.example"
    feeds = settings.feeds.feeds.values()
    assert {feed.group for feed in feeds} == {"science", "sport"}
    assert {feed.language for feed in feeds} == {"en"}
