"""`news-ingest extract` as a process of its own: files, directories and addresses, as JSON and as text."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.http_site import Answer, HttpSite, redirect
from tests.unit.extract_pages import ARTICLE, PARAGRAPHS, html_of
from tests.unit.verb_process import Ended, run_verb

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[2] / "config"
HEAD = (
    "<title>Ferry cut to two runs</title>"
    '<meta name="author" content="Mira Dahlke">'
    '<meta property="article:published_time" content="2026-10-02T08:30:00+02:00">'
)
PAGE = html_of(head=HEAD)


def extract(folder: Path, *arguments: str | Path) -> Ended:
    """Run `news-ingest extract ARGUMENTS` in this folder."""
    return run_verb(folder, "extract", *arguments)


def configured(folder: Path, blocks: dict[str, Any]) -> Path:
    """Return a folder of settings as they come, with these blocks of pipeline.yml changed."""
    config = folder / "settings"
    shutil.copytree(CONFIG, config, ignore=shutil.ignore_patterns("kibana", ".*"))
    yaml = YAML(typ="safe", pure=True)
    settings = yaml.load((config / "pipeline.yml").read_text(encoding="utf-8"))
    with (config / "pipeline.yml").open("w", encoding="utf-8") as file:
        yaml.dump({**settings, **blocks}, file)
    return config


def test_a_line_has_the_fields_of_the_page_and_where_each_came_from(tmp_path: Path) -> None:
    (tmp_path / "ferry.html").write_text(PAGE)
    ended = extract(tmp_path, "ferry.html", "--json")
    (line,) = ended.lines
    assert ended.code == 0
    assert ended.err == ""
    assert line["path"] == "ferry.html"
    assert line["title"] == "Ferry cut to two runs"
    assert line["text"] == "\n\n".join(PARAGRAPHS)
    assert line["authors"] == ["Mira Dahlke"]
    assert line["published_at"] == "2026-10-02T06:30:00Z"
    assert line["modified_at"] is None
    assert line["language"] == "en"
    assert line["is_opinion"] is False
    assert line["content_source"] == "file"
    assert line["extraction"]["outcome"] == "ok"
    assert line["provenance"]["published_at"]["source"] == "meta"


def test_every_kind_of_input_gives_its_line_in_the_order_of_the_input(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    (folder / "deep").mkdir(parents=True)
    for number in range(40):
        head = f"<title>Ferry number {number}</title>"
        page = html_of(head=head).replace("Ferry cut to two runs", f"Ferry number {number}")
        (folder / f"{number:02}.html.gz").write_bytes(gzip.compress(page.encode()))
    (folder / "deep" / "plain.txt").write_text("Ferry in plain words\n\n" + "\n\n".join(PARAGRAPHS))
    (tmp_path / "picture.html").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(300))
    (tmp_path / "empty.html").write_bytes(b" \n")
    (tmp_path / "broken.html.gz").write_bytes(gzip.compress(PAGE.encode())[:200])
    given = ("picture.html", "pages", "nowhere.html", "empty.html", "broken.html.gz")
    ended = extract(tmp_path, *given, "--json", "--workers", "2")
    names = [line["path"] for line in ended.lines]
    inside = [f"pages/{number:02}.html.gz" for number in range(40)]
    assert names[0] == "picture.html"
    assert names[1:42] == [*inside, "pages/deep/plain.txt"]
    assert Path(names[42]).name == "nowhere.html"
    assert names[43:] == ["empty.html", "broken.html.gz"]
    assert [line["title"] for line in ended.lines[1:41]] == [f"Ferry number {n}" for n in range(40)]
    assert ended.lines[41]["title"] == "Ferry in plain words"
    errors = [line["error"].partition(":")[0] for line in ended.lines if "error" in line]
    assert errors == ["wrong_type", "unreadable", "empty_file", "unreadable"]
    assert ended.code == 1


def test_a_text_stays_whole_however_many_pages_share_its_lines(tmp_path: Path) -> None:
    canonical = '<link rel="canonical" href="https://courier.example/news/{}">'
    for number in range(5):
        head = HEAD + canonical.format(number)
        (tmp_path / f"{number}.html").write_text(html_of(ARTICLE + "<p>Ask the pier.</p>", head))
    texts = [line["text"] for line in extract(tmp_path, tmp_path, "--json").lines]
    assert texts == ["\n\n".join((*PARAGRAPHS, "Ask the pier."))] * 5


def test_a_date_that_nobody_named_is_null_and_an_empty_page_has_its_hint(tmp_path: Path) -> None:
    (tmp_path / "bare.html").write_text('<html lang="de-AT"><body></body></html>')
    ended = extract(tmp_path, "bare.html", "--json")
    (line,) = ended.lines
    assert ended.code == 0
    assert (line["published_at"], line["text"], line["language"]) == (None, "", "de")


def test_a_page_that_takes_too_long_is_an_error_and_the_others_go_on(tmp_path: Path) -> None:
    stage = {
        "kind": "extract", "reads": "news.pages", "writes": "news.documents",
        "processors": [{"extract_document": {"page_timeout_seconds": 0.0001}}],
    }  # fmt: skip
    settings = YAML(typ="safe", pure=True).load((CONFIG / "pipeline.yml").read_text())
    config = configured(tmp_path, {"stages": {**settings["stages"], "extract": stage}})
    (tmp_path / "ferry.html").write_text(PAGE)
    ended = extract(tmp_path, "ferry.html", "nowhere", "--json", "--config", config)
    errors = [line["error"].partition(":")[0] for line in ended.lines]
    assert errors[0] == "killed_time"
    assert len(errors) == 2
    assert ended.code == 1


def test_addresses_are_fetched_as_the_fetch_stage_does(tmp_path: Path) -> None:
    with HttpSite() as site:
        site.serve("courier.example", "/ferry", redirect("http://island.example/ferry"))
        site.serve("island.example", "/ferry", Answer(body=PAGE.encode()))
        site.serve("courier.example", "/gone", Answer(status=404))
        robots = Answer(
            body=b"User-agent: *\nDisallow: /", headers=[("Content-Type", "text/plain")]
        )
        site.serve("closed.example", "/robots.txt", robots)
        blocks = {
            "address_guard": {"hosts": site.hosts("*.example")},
            "fetching": {"gap_seconds": 0, "contact_url": "https://elsin.example/contact"},
        }
        urls = [
            "http://courier.example/ferry", "http://courier.example/gone",
            "http://closed.example/a", "http://127.0.0.1:9/a",
        ]  # fmt: skip
        ended = extract(tmp_path, *urls, "--json", "--config", configured(tmp_path, blocks))
    assert [line["url"] for line in ended.lines] == urls
    assert ended.lines[0]["text"] == "\n\n".join(PARAGRAPHS)
    assert ended.lines[0]["content_source"] == "page"
    errors = [line["error"].partition(":")[0] for line in ended.lines[1:]]
    assert errors == ["http_404", "robots_disallowed", "address_not_public"]
    assert not site.asked("closed.example", "/a")
    assert ended.code == 1


def test_a_person_reads_the_fields_their_sources_and_the_text(tmp_path: Path) -> None:
    (tmp_path / "ferry.html").write_text(PAGE)
    shown = extract(tmp_path, "ferry.html").out
    for part in ("Ferry cut to two runs  (h1)", "Mira Dahlke  (meta)", "2026-10-02", *PARAGRAPHS):
        assert part in shown
    assert "lost" not in shown
    explained = extract(tmp_path, "ferry.html", "--explain").out
    for part in ("outcome    ok", "rescued    no", "ratio", "  lost", "(title_tag)", "engine"):
        assert part in explained


RULES = """
sites:
  elsin-courier.example:
    prune_xpath: ["//div[@class='letter']"]
    timezone: America/New_York
"""
LETTER = '<div class="letter"><p>Sign up for our letter and read of the harbour each day.</p></div>'
ADDRESSED = html_of(
    ARTICLE + LETTER,
    '<title>Ferry</title><link rel="canonical" href="https://elsin-courier.example/ferry">'
    '<meta name="date" content="2026-10-02T08:30">',
)


def test_an_override_is_shown_by_what_it_changes(tmp_path: Path) -> None:
    (tmp_path / "ferry.html").write_text(ADDRESSED)
    (tmp_path / "rules.yml").write_text(RULES)
    shown = extract(tmp_path, "ferry.html", "--explain", "--site-rules", "rules.yml").out
    for part in (
        "rules      elsin-courier.example, against none",
        "- Sign up for our letter",
        "2026-10-02T08:30:00+00:00 → 2026-10-02T12:30:00+00:00",
        "to the minute, zone assumed",
        "timings    decode",
        "America/New_York assumed",
    ):
        assert part in shown
    plain = extract(tmp_path, "ferry.html", "--explain").out
    assert "none of config/sites.yml for this address" in plain
    assert "Sign up" in plain


def test_the_rules_in_force_count_unless_they_are_left_out(tmp_path: Path) -> None:
    config = configured(tmp_path, {})
    (config / "sites.yml").write_text(RULES)
    (tmp_path / "ferry.html").write_text(ADDRESSED)
    (tmp_path / "other.yml").write_text("sites: {elsin-courier.example: {mode: precision}}\n")
    given = ("ferry.html", "--json", "--config", config)
    (ruled,) = extract(tmp_path, *given).lines
    assert "Sign up" not in ruled["text"]
    assert ruled["extraction"]["site_rules"] == "elsin-courier.example"
    assert "timings_milliseconds" not in ruled
    (bare,) = extract(tmp_path, *given, "--without-overrides").lines
    assert "Sign up" in bare["text"]
    assert bare["published_at"] == "2026-10-02T08:30:00Z"
    (other,) = extract(tmp_path, *given, "--explain", "--site-rules", "other.yml").lines
    assert other["timings_milliseconds"]["text"] > 0
    told = other["site_rules"]
    assert (told["site"], told["against"]) == ("elsin-courier.example",) * 2
    changes = {one["field"]: (one["before"], one["after"]) for one in told["changes"]}
    assert changes["extraction.mode"] == ("fast", "precision")
    assert "published_at" in changes


def test_broken_rules_are_refused_with_every_line(tmp_path: Path) -> None:
    (tmp_path / "ferry.html").write_text(ADDRESSED)
    (tmp_path / "rules.yml").write_text(
        "sites:\n  a.example:\n    mode: quick\n    body_xpath: //p[\n"
    )
    ended = extract(tmp_path, "ferry.html", "--site-rules", "rules.yml")
    assert ended.code == 2
    for part in ("rules.yml:3: sites.a.example.mode", "rules.yml:4: sites.a.example.body_xpath"):
        assert part in ended.err
    assert extract(tmp_path, "ferry.html", "--site-rules", "nowhere.yml").code == 2


def test_what_steers_a_terminal_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "steer.html").write_text(html_of(ARTICLE + "<p>Red &#27;[31mwater &#155;2J</p>"))
    ended = extract(tmp_path, "steer.html", "--explain")
    assert ended.code == 0
    assert not {"\x1b", "\x9b"} & set(ended.out)


def test_wrong_usage_ends_with_2(tmp_path: Path) -> None:
    assert extract(tmp_path).code == 2
    assert extract(tmp_path, "--workers", "-1", "a").code == 2
    assert extract(tmp_path, "--config", "nowhere", "a").code == 2
    assert extract(tmp_path, "http://courier.example/a").code == 2


def test_a_reader_that_leaves_ends_the_command(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:02}.html").write_text(PAGE)
    command = [sys.executable, "-m", "ingest.cli.main", "extract", ".", "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert json.loads(running.stdout.readline())["path"] == "./00.html"
        running.stdout.close()
        assert running.wait(60) == 0
        assert b"Traceback" not in running.stderr.read()
