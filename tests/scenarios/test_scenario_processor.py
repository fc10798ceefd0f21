"""A processor of somebody else: one file on the path, one line in config/pipeline.yml."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.http_site import HttpSite
from tests.scenarios.harness import Installation
from tests.scenarios.press import papers

pytestmark = pytest.mark.slow

PROCESSOR = '''
"""Counts the exclamation marks that are not there; stumbles or drops as it is told."""

import msgspec
from pydantic import BaseModel

from ingest.outcome import Drop, Keep

VERSION = 3


class Options(BaseModel):
    model_config = {"extra": "forbid"}

    calmness: int = 1
    stumbles_over: str = "never said"
    drops: str = "never said"


def build(options: Options):
    def judge(document):
        if options.stumbles_over in document.text:
            raise ValueError("cannot stand this word")
        if options.drops in document.text:
            return Drop("not_wanted_here", is_intended=True)
        extra = {**document.extra, "calm_score": options.calmness * 10}
        return Keep(msgspec.structs.replace(document, extra=extra))

    return judge
'''


def _home(tmp_path: Path, site: HttpSite) -> Installation:
    """Return an installation on whose path the package `acme_words` lies."""
    package = tmp_path / "elsewhere" / "acme_words"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "calm.py").write_text(PROCESSOR)
    path = os.pathsep.join(filter(None, (str(package.parent), os.environ.get("PYTHONPATH", ""))))
    return Installation(
        tmp_path / "home",
        hosts=site.hosts("*.example"),
        environment={"PYTHONPATH": path},
        retry={"delays_seconds": [0.2, 0.3, 0.4]},
    )


def _add(installation: Installation, line: str) -> None:
    """Put one line at the end of the enrich stage's processors, by hand as a person would."""
    file = installation.config / "pipeline.yml"
    text = file.read_text()
    last = "      - resolve_places\n"
    assert text.count(last) == 1
    file.write_text(text.replace(last, f"{last}      - {line}\n"))


def test_its_field_is_shown_its_drops_and_faults_are_accounted_for(tmp_path: Path) -> None:
    with HttpSite() as site, _home(tmp_path, site) as installation:
        (paper,) = papers(site, 1)
        kept, dropped, failed = paper.publish(3)
        options = "{calmness: 4, drops: ward 0-1 would, stumbles_over: ward 0-2 would}"
        _add(installation, f"acme_words.calm: {options}")
        assert "good" in installation.command("check", "--no-feeds").out
        installation.set_feeds([paper.feed])
        tree = installation.start()
        installation.wait_for(searchable=2, dropped=1)
        ids = {hit["url"]: id for id, hit in installation.everything().items()}
        shown = installation.command("show", ids[kept], "--json").json()
        assert shown["extra"] == {"calm_score": 40}
        assert shown["enrichment"]["engines"]["calm"] == "calm@3"
        assert "failed" not in shown["enrichment"]

        stumbled = installation.command("show", ids[failed], "--json").json()
        assert stumbled["enrichment"]["failed"] == ["calm"]
        assert stumbled["enrichment"]["engines"].keys() < shown["enrichment"]["engines"].keys()
        assert stumbled["language"] == "en", "the others did their work"
        (event,) = tree.events("enricher_failed")
        assert event["error"] == "ValueError: cannot stand this word"

        notes = [step["note"] for step in installation.trace(dropped)]
        assert "dropped by enrich: not_wanted_here" in notes
        assert tree.stop() == 0


def test_names_and_options_that_are_not_known_are_refused(tmp_path: Path) -> None:
    wrong = {
        "acme_words.calm: {calmnes: 4}": ("calmnes", "did you mean `calmness`?"),
        "acme_words.calm: {calmness: much}": ("calmness", "much", "whole number"),
        "acme_words.clam": ("acme_words.clam", "no such processor"),
        "resolve_place": ("resolve_place", "did you mean `resolve_places`?"),
        "acme_words.calm:construct": ("has no function `construct`",),
    }
    with HttpSite() as site, _home(tmp_path, site) as installation:
        for line in wrong:
            _add(installation, line)
        done = installation.command("check", "--no-feeds", code=2)
        assert done.out == ""
        faults = done.err.splitlines()[1:]
        assert len(faults) == len(wrong)
        for words in wrong.values():
            (fault,) = [one for one in faults if all(word in one for word in words)]
            assert "config/pipeline.yml:" in fault
