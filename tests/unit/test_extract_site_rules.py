"""Rules of single sites: what each key changes on a page, that a wrong rule loses nothing, and the
reload of the file while pages are read."""

from __future__ import annotations

import io
import json
import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest import telemetry
from ingest.bootstrap.engines import chain_of, checked_settings
from ingest.model import Document, Page
from ingest.outcome import Keep, Outcome, Reject
from ingest.settings.site_rules import SiteRules
from ingest.settings.sites import LiveSites, read_sites
from ingest.terms import count_words
from processors.extract_document import ExtractDocuments, Options, build
from processors.extract_document.child import page_extractor
from tests.unit.extract_pages import ARTICLE, PARAGRAPHS, SEEN_AT, html_of, page_of

CONFIG = Path(__file__).parents[2] / "config"


def ruled(data: str, entry: dict[str, Any] | None = None, page: dict[str, Any] | None = None, **rules: Any) -> Document:  # fmt: skip
    """Return the document of a page under these rules."""
    extract = page_extractor(Options().model_dump(), "test")
    return extract(page_of(data, entry, **(page or {})), SiteRules(site="elsin-courier.example", **rules))  # fmt: skip


# ── the text ────────────────────────────────────────────────────────────────────────────────


def test_the_rule_for_the_body_gives_the_text_with_its_headings_and_lists() -> None:
    body = (
        '<div class="story">The ferry is cut.<h2>What changes</h2><p>Two runs a day.</p>'
        "<ul><li>one at dawn</li><li>one at dusk</li></ul><figure><figcaption>Pier</figcaption></figure>"
        f"<p>{PARAGRAPHS[0]}</p></div> tail of the page"
    )
    found = ruled(f"<html><body>{body}</body></html>", body_xpath="//div[@class='story']")
    assert found.text == (
        "The ferry is cut.\n\nWhat changes\n\nTwo runs a day.\n\n- one at dawn\n- one at dusk\n\n"
        + PARAGRAPHS[0]
    )
    assert (found.content_source, found.extraction.body_rule) == ("site", "hit")
    assert found.extraction.site_rules == "elsin-courier.example"
    assert found.provenance["text"].source == "site"
    assert "page" in [one.source for one in found.provenance["text"].losers]


def test_elements_inside_of_others_that_the_rule_names_count_once() -> None:
    found = ruled(html_of(), body_xpath="//article | //article//p")
    assert found.text == "\n\n".join(PARAGRAPHS)


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("//div[@class='gone']", "miss"),
        ("//article/h1", "outweighed"),
        ("//p[unknown-function()]", "broken"),
        ("count(//p)", "broken"),
    ],
)
def test_a_rule_that_finds_nothing_good_loses_no_text(path: str, rule: str) -> None:
    found = ruled(html_of(), body_xpath=path)
    assert found.text == "\n\n".join(PARAGRAPHS)
    assert (found.content_source, found.extraction.body_rule) == ("page", rule)
    assert rule in found.provenance["text"].why


def test_pruned_elements_are_gone_for_text_rescue_and_fields() -> None:
    teaser = '<div class="more"><p>Read also: the storm of the year and what it did to the harbour.</p><a href="/storm">x</a></div>'
    page = html_of(f"{ARTICLE}{teaser}")
    assert "Read also" in ruled(page).text
    found = ruled(page, prune_xpath=("//div[@class='more']",))
    assert found.text == "\n\n".join(PARAGRAPHS)
    assert found.links == ()
    for mode in ("thorough", "precision"):
        assert "Read also" not in ruled(page, prune_xpath=("//div[@class='more']",), mode=mode).text
    rescued = ruled(page, prune_xpath=("//div[@class='more']",), rescue_ratio=0.01)
    assert rescued.extraction.is_rescued
    assert "Read also" not in rescued.text


def test_text_around_a_pruned_element_stays() -> None:
    body = "<p>Two runs <b class='ad'>buy now</b> a day, said Mira Dahlke of the board.</p>"
    found = ruled(html_of(body + ARTICLE), prune_xpath=("//b[@class='ad']",))
    assert found.text.startswith("Two runs a day, said Mira Dahlke")


@pytest.mark.parametrize("path", ["/*", "//body", "//*", "//p[unknown()]"])
def test_a_rule_that_prunes_everything_or_nothing_ends_in_an_outcome(path: str) -> None:
    found = ruled(html_of(), {"title": "From the feed"}, prune_xpath=(path,))
    assert found.title
    assert found.extraction.outcome in ("ok", "no_text")


def test_mode_and_rescue_ratio_are_those_of_the_site() -> None:
    found = ruled(html_of(), mode="precision", rescue_ratio=0.0)
    assert (found.extraction.mode, found.extraction.ratio) == ("precision", 0.0)


def test_the_text_of_the_feed_goes_first_where_the_site_says_so() -> None:
    content = "<p>" + "</p><p>".join(PARAGRAPHS[:3]) + "</p>"
    assert ruled(html_of(), {"content": content}).content_source == "page"
    fed = ruled(html_of(), {"content": content}, prefer_feed_content=True)
    assert (fed.content_source, fed.text) == ("feed", "\n\n".join(PARAGRAPHS[:3]))
    teaser = ruled(html_of(), {"content": "<p>The ferry is cut.</p>"}, prefer_feed_content=True)
    assert teaser.content_source == "page"


# ── the other fields ────────────────────────────────────────────────────────────────────────


def test_searches_are_allowed_and_forbidden_for_a_site() -> None:
    page = html_of(f'<p class="author">Ann Lee</p><p class="date">Published on 12 November 2026</p>{ARTICLE}')  # fmt: skip
    plain = ruled(page)
    assert (plain.authors, plain.date_source) == ((), "heuristic")
    found = ruled(page, author_search=True, date_search=False)
    assert (found.authors, found.date_source) == (("Ann Lee",), "first_seen_at")
    assert found.provenance["authors"].source == "heuristic"


def test_dates_without_a_zone_are_in_that_of_the_site() -> None:
    head = '<title>x</title><meta name="date" content="2026-11-19T08:00">'
    found = ruled(html_of(head=head), {"timezone": "Europe/Berlin"}, timezone="America/New_York")
    assert found.published_at == (SEEN_AT - timedelta(days=1)).replace(hour=13)
    assert (found.date_zone, found.is_zone_assumed) == ("-05:00", True)
    assert "America/New_York assumed" in found.provenance["published_at"].why


def test_own_segments_count_instead_of_the_common_list() -> None:
    at = {"url_canonical": "https://elsin-courier.example/leaders/ferry"}
    assert not ruled(html_of(), page=at).is_opinion
    assert ruled(html_of(), page=at, opinion_paths=("leaders",)).is_opinion
    common = {"url_canonical": "https://elsin-courier.example/opinion/ferry"}
    assert not ruled(html_of(), page=common, opinion_paths=("leaders",)).is_opinion
    live = {"url_canonical": "https://elsin-courier.example/minute/ferry"}
    assert ruled(html_of(), page=live, live_paths=("minute",)).is_live_blog


def test_rules_count_for_plain_text_too() -> None:
    text = "Ferry cut\n\nPublished: nothing\n\n" + "\n\n".join(PARAGRAPHS)
    at = {"kind": "text", "url_canonical": "https://elsin-courier.example/leaders/ferry"}
    assert ruled(text, page=at, opinion_paths=("leaders",)).is_opinion


# ── a hostile page ──────────────────────────────────────────────────────────────────────────

QUADRATIC = "//p[count(preceding::p) = count(following::p)]"


@pytest.mark.slow
def test_a_rule_that_is_slow_on_one_page_costs_that_page_only() -> None:
    hostile = "<html><body>" + "<p>x</p>" * 45_000 + "</body></html>"
    processor = build(
        Options(page_timeout_seconds=1.5),
        clock=lambda: SEEN_AT,
        children=1,
        sites=lambda url: SiteRules(site="a", prune_xpath=(QUADRATIC,)) if "slow" in url else SiteRules(),
    )  # fmt: skip
    try:
        pages = [
            page_of(hostile, url_canonical="https://elsin-courier.example/slow"),
            page_of(html_of(), url_canonical="https://elsin-courier.example/ferry"),
        ]
        slow, good = processor.process_batch(pages)
    finally:
        processor.close()
    assert isinstance(slow, Reject)
    assert slow.reason == "killed_time"
    assert slow.message.endswith(" · rules of config/sites.yml: a")
    assert isinstance(good, Keep)


# ── reload ──────────────────────────────────────────────────────────────────────────────────


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def write(path: Path, text: str) -> None:
    """Write a file so that its stamp differs from the one before."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(time.time_ns(), time.time_ns()))


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Path, Clock, LiveSites, ExtractDocuments]]:
    path, clock = tmp_path / "sites.yml", Clock()
    write(path, "sites: {elsin-courier.example: {keeps_repeated_lines: true}}\n")
    sites, faults = read_sites(path)
    assert faults == []
    found = LiveSites(path, sites, monotonic=clock)
    processor = build(Options(), clock=lambda: SEEN_AT, children=1, sites=found.rules_of)
    yield path, clock, found, processor
    processor.close()


def document(outcome: Outcome[Document]) -> Document:
    assert isinstance(outcome, Keep)
    return outcome.value


def batch(*lines: str) -> list[Page]:
    return [
        page_of(html_of(f"{ARTICLE}<p>{line}</p>"), document_id=f"{number:032x}")
        for number, line in enumerate(lines)
    ]


@pytest.mark.slow
def test_a_changed_file_counts_for_the_next_pages_without_a_restart(
    live: tuple[Path, Clock, LiveSites, ExtractDocuments],
) -> None:
    path, clock, _, processor = live
    before = document(processor.process_batch(batch("Ask the pier."))[0])
    assert before.content_source == "page"
    write(path, "sites: {elsin-courier.example: {body_xpath: '//article/p[1]', prune_xpath: ['//article/p[position() > 2]']}}\n")  # fmt: skip
    clock.seconds += 2
    after = document(processor.process_batch(batch("Ask the pier."))[0])
    assert (after.content_source, after.text) == ("site", PARAGRAPHS[0])
    path.unlink()
    clock.seconds += 2
    gone = document(processor.process_batch(batch("Ask the pier."))[0])
    assert gone.extraction.site_rules == ""


def test_a_broken_file_is_refused_with_all_faults_and_the_last_good_one_goes_on(
    live: tuple[Path, Clock, LiveSites, ExtractDocuments],
) -> None:
    path, clock, sites, _ = live
    lines = io.StringIO()
    telemetry.configure("extract", stream=lines, as_json=True)
    url = "https://www.elsin-courier.example/ferry"
    assert sites.rules_of(url).keeps_repeated_lines
    write(path, "sites:\n  elsin-courier.example:\n    body_xpath: '//p['\n    moode: fast\n    timezone: Mars/Base\n")  # fmt: skip
    clock.seconds += 2
    assert sites.rules_of(url).keeps_repeated_lines
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [one["event"] for one in told] == ["sites_fault"] * 3 + ["sites_refused"]
    assert sorted((one["line"], one["key"].rpartition(".")[2]) for one in told[:3]) == [
        (3, "body_xpath"),
        (4, "moode"),
        (5, "timezone"),
    ]
    clock.seconds += 2
    assert sites.rules_of(url).keeps_repeated_lines
    assert len(lines.getvalue().splitlines()) == 4, "a file is judged once"
    write(path, "sites: {elsin-courier.example: {mode: precision}}\n")
    assert sites.rules_of(url).mode is None, "not looked at again before a second has passed"
    clock.seconds += 2
    assert sites.rules_of(url).mode == "precision"


@pytest.mark.slow
def test_lines_that_repeat_stay_where_the_site_says_so(
    live: tuple[Path, Clock, LiveSites, ExtractDocuments],
) -> None:
    path, clock, _, processor = live
    pages = []
    for number, name in enumerate(("Ann", "Bo", "Cy", "Di", "Ed")):
        own = "".join(f"<p>{name}: {paragraph}</p>" for paragraph in PARAGRAPHS)
        page = html_of(f"{own}<p>Ask the pier.</p>")
        pages.append(page_of(page, document_id=f"{number:032x}"))
    kept = [document(one).text for one in processor.process_batch(pages)]
    assert all(text.endswith("Ask the pier.") for text in kept)
    write(path, "sites: {}\n")
    clock.seconds += 2
    for _ in range(2):
        dropped = [document(one) for one in processor.process_batch(pages)]
    assert not dropped[-1].text.endswith("Ask the pier.")
    assert dropped[-1].word_count == count_words(dropped[-1].text)


@pytest.mark.slow
def test_an_extract_stage_takes_up_a_changed_file_of_its_settings(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    shutil.copytree(CONFIG, folder, ignore=shutil.ignore_patterns("kibana", ".*"))
    (chosen,) = chain_of(checked_settings(folder), "extract", children=1)
    page = page_of(html_of())
    try:
        before = document(chosen.work.process_batch([page])[0])
        assert before.content_source == "page"
        write(folder / "sites.yml", "sites: {elsin-courier.example: {body_xpath: //article/p}}\n")
        until = time.monotonic() + 30
        after = before
        while after.content_source == "page" and time.monotonic() < until:
            time.sleep(0.2)
            after = document(chosen.work.process_batch([page])[0])
    finally:
        chosen.work.close()
    assert (after.content_source, after.extraction.body_rule) == ("site", "hit")
    assert chosen.engine.startswith("extract_document@")
