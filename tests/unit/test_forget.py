"""`forget` and `remove`: what is stored goes, and what comes later stays out."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from ingest.adapters.page_archive import PageArchive, forget_pages
from ingest.bootstrap.engines import now, open_index, open_log
from ingest.bootstrap.fetch_stage import unless_forgotten
from ingest.cli.main import app
from ingest.identity import document_id_of_url
from ingest.model import Entry, Page
from ingest.operations.forget import decide
from ingest.outcome import Drop, Keep, Outcome
from ingest.pipeline.archiver import ArchiveWork
from ingest.pipeline.forgetting import ForgetfulWork
from ingest.pipeline.indexing.indexer import IndexWork
from ingest.ports import Index, IndexWrite, Log, Record
from ingest.records.appending import NewRecord, append_all
from ingest.records.emission import Judged
from ingest.records.forgotten import Forgets, ForgetsReader, Forgotten, KnownAs, names_in, names_of
from ingest.settings.load import Settings, load
from ingest.settings.options import ArchiveOptions
from ingest.sources.documents.warc import ArchivedPages
from ingest.wire import encode
from tests.builders import NOW, a_document, a_page, an_entry, an_id, an_indexed_document

CONFIG = Path(__file__).parents[2] / "config"
SITE = "https://elsin-courier.example"

Cli = Callable[..., Result]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    copytree(CONFIG, tmp_path / "config", ignore=ignore_patterns("kibana", ".*"))
    return load(tmp_path / "config", {})


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    with closing(open_log(settings)) as log:
        yield log


@pytest.fixture
def index(settings: Settings) -> Iterator[Index]:
    with closing(open_index(settings)) as index:
        yield index


@pytest.fixture
def cli(settings: Settings) -> Cli:
    def run(*arguments: str) -> Result:
        given = [*arguments, "--config", str(settings.folder)]
        return CliRunner().invoke(app, given, env={"NEWS_INGEST_CONFIG": None})

    return run


def done(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def a_decision(kind: str, value: str) -> Forgotten:
    return Forgotten(kind=kind, value=value, asked="", reason="asked for", by="desk", at=NOW)


def indexed(index: Index, *names: str, **changes: object) -> None:
    index.put([IndexWrite(an_indexed_document(name, **changes)) for name in names])


def archived(settings: Settings, *names: str) -> PageArchive:
    archive = PageArchive(settings.archive_folder, ArchiveOptions(), now, max_page_bytes=1_000_000)
    archive.add([a_page(name) for name in names])
    return archive


def pages_of(settings: Settings) -> list[str]:
    found = ArchivedPages(settings.archive_folder, 1_000_000, now).pages(None)
    return [page.document_id for page in found]


def a_record(name: str, **changes: object) -> Record:
    document = a_document(name, **changes)
    return Record(topic="news.enriched", partition=0, offset=1, key=b"", value=encode(document))


# ── what is meant ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "value", "name"),
    [
        ("id", an_id("flood"), "flood"),
        ("url", "elsin-courier.example/flood", "flood"),
        ("domain", "elsin-courier.example", "other"),
        ("publisher", "elsin courier", "other"),
    ],
)
def test_entry_page_and_document_are_told_by_each_of_their_names(
    kind: str, value: str, name: str
) -> None:
    forgets = Forgets([a_decision(kind, value)])
    whole = [a_page(name), a_document(name)]
    # An entry does not know yet which document it becomes, unless its URL tells.
    whole += [] if kind == "id" else [an_entry(name)]
    for value_ in whole:
        assert forgets.has(names_of(value_))
        assert forgets.has(names_in(encode(value_)))
    stranger = a_page("far", entry=an_entry("far", publisher="Far Post"))
    far = "https://far-post.example/far"
    stranger = Page(
        **{one: getattr(stranger, one) for one in stranger.__struct_fields__}
        | {"url_canonical": far, "url_final": far}
        | {"entry": an_entry("far", publisher="Far Post", url_published=far)}
    )
    assert not forgets.has(names_of(stranger))


def test_an_entry_is_told_by_the_id_that_its_url_gives_it() -> None:
    id = document_id_of_url(f"{SITE}/flood")
    assert Forgets([a_decision("id", id)]).has(names_of(an_entry("flood")))


def test_a_host_of_a_site_is_not_the_whole_site() -> None:
    forgets = Forgets([a_decision("domain", "blog.elsin-courier.example")])
    blog = "https://www.blog.elsin-courier.example/flood"
    assert forgets.has(names_of(an_entry(url_published=blog)))
    assert not forgets.has(names_of(an_entry("flood")))


def test_what_cannot_be_read_has_no_names() -> None:
    assert names_in(b'{"id": 7}') == names_in(None) == KnownAs()


# ── the verbs ───────────────────────────────────────────────────────────────────────────────


def test_a_url_goes_from_index_archive_and_dead_letters_and_is_told_of_the_log(
    cli: Cli, settings: Settings, log: Log, index: Index
) -> None:
    indexed(index, "flood", "ferry")
    archived(settings, "flood", "ferry").close()
    header = [("dead-letter.topic", b"news.enriched")]
    letters = [
        NewRecord(
            "news.enriched.dead-letter", f"news.enriched/0/{n}", encode(a_document(name)), header
        )
        for n, name in enumerate(("flood", "ferry"))
    ]
    with closing(log.appender()) as appender:
        append_all(appender, letters)
        append_all(appender, [NewRecord("news.pages", an_id("flood"), encode(a_page("flood")))])

    address = "http://www.elsin-courier.example/flood?utm_source=feed"
    dry = done(cli("forget", address, "--dry-run", "--json"))
    assert (dry["documents"], dry["dead_letters"]) == (1, 1)
    assert [one["pages"] for one in dry["files"]] == [1]
    assert index.get(an_id("flood")) is not None
    assert done(cli("forget", "--list", "--json")) == {"forgotten": []}

    made = done(cli("forget", address, "--reason", "court order 7", "--json"))
    assert {**made, "is_dry": True, "remains": 0} == {**dry, "remains": 0}
    assert index.get(an_id("flood")) is None
    assert index.get(an_id("ferry")) is not None
    assert pages_of(settings) == [an_id("ferry")]
    left = cli("dead-letters", "list", "--json").stdout
    assert "news.enriched/0/1" in left
    assert "news.enriched/0/0" not in left
    remains = {one["topic"]: (one["records"], one["until"]) for one in made["remains"]}
    assert remains["news.pages"][0] == 1
    assert remains["news.pages"][1] > now().isoformat()
    (decision, *_) = done(cli("forget", "--list", "--json"))["forgotten"]
    assert decision["reason"] == "court order 7"
    assert decision["by"]
    again = done(cli("forget", address, "--reason", "court order 7", "--json"))
    assert (again["documents"], again["dead_letters"], again["files"]) == (0, 0, [])


def test_a_whole_site_goes_with_its_revisions_and_others_stay(cli: Cli, index: Index) -> None:
    far = "https://far-post.example/far"
    indexed(index, "flood", "ferry")
    indexed(
        index, "far", url_published=far, url_canonical=far, domain="far-post.example",
        publisher="Far Post",
    )  # fmt: skip
    made = done(cli("forget", "--domain", "www.Elsin-Courier.example", "--reason", "r", "--json"))
    assert made["documents"] == 2
    assert index.get(an_id("far")) is not None
    made = done(cli("forget", "--publisher", "FAR POST", "--reason", "r", "--json"))
    assert made["documents"] == 1


def test_remove_takes_one_known_document(cli: Cli, index: Index) -> None:
    indexed(index, "flood", "ferry")
    refused = cli("remove", an_id("nobody"), "--reason", "r")
    assert refused.exit_code == 2
    assert "no document has this id" in refused.output
    made = done(cli("remove", an_id("flood"), "--reason", "asked for", "--json"))
    assert (made["documents"], made["kept_out"]) == (1, [f"id:{an_id('flood')}"])
    assert done(cli("remove", an_id("flood"), "--reason", "asked for", "--json"))["documents"] == 0


def test_an_undone_decision_lets_in_what_is_new(cli: Cli, log: Log) -> None:
    assert cli("forget", "--domain", "far-post.example", "--reason", "r").exit_code == 0
    reader = ForgetsReader(log, "any")
    assert reader.read()
    assert not reader.read()
    far = names_of(an_entry(url_published="https://far-post.example/1"))
    assert reader.now.has(far)
    assert cli("forget", "--undo", "domain:far-post.example").exit_code == 0
    assert reader.read()
    assert not reader.now.has(far)
    assert cli("forget", "--undo", "domain:far-post.example").exit_code == 2
    assert done(cli("forget", "--list", "--json"))["forgotten"][0]["undone_by"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([SITE], "what to forget, or why"),
        ([SITE, "--domain", "far-post.example", "--reason", "r"], "what to forget"),
        (["--domain", "co.uk", "--reason", "r"], "not the domain of a site"),
        (["flood", "--reason", "r"], "neither an id nor a URL"),
    ],
)
def test_what_would_forget_too_much_or_nothing_is_refused(
    cli: Cli, arguments: list[str], said: str
) -> None:
    result = cli("forget", *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_forget_that_was_killed_after_its_record_is_completed_by_the_next(
    cli: Cli, settings: Settings, log: Log, index: Index
) -> None:
    """The document is gone from the index, and with it its other address."""
    moved = f"{SITE}/flood-2"
    asked = an_id("flood")
    both = [a_decision("id", asked), a_decision("url", "elsin-courier.example/flood-2")]
    decide(log, [msgspec.structs.replace(one, asked=asked) for one in both])
    archive = archived(settings, "ferry")
    page = a_page("copy", entry=an_entry("copy", url_published=moved))
    archive.add([page])
    archive.close()
    made = done(cli("forget", asked, "--reason", "r", "--json"))
    assert [one["pages"] for one in made["files"]] == [1]
    assert pages_of(settings) == [an_id("ferry")]


# ── the stages ──────────────────────────────────────────────────────────────────────────────


def index_work(log: Log, index: Index) -> ForgetfulWork:
    return ForgetfulWork(
        IndexWork(index, now),
        ForgetsReader(log, "news-index"),
        erase=lambda found: index.remove([one.id for one in found], "forgotten", now()),
    )


def test_the_index_stage_drops_what_is_forgotten(log: Log, index: Index) -> None:
    decide(log, [a_decision("domain", "elsin-courier.example")])
    far = "https://far-post.example/far"
    other = a_record("far", url_published=far, url_canonical=far, publisher="Far Post")
    judged = index_work(log, index).process([a_record("flood"), _at(other, 2)])
    assert [one.outcome for one in judged] == [Drop("forgotten"), Keep(None)]
    assert judged[0].subject.id == an_id("flood")
    assert index.get(an_id("flood")) is None
    assert index.get(an_id("far")) is not None


def _at(record: Record, offset: int, value: bytes | None = None) -> Record:
    return msgspec.structs.replace(record, offset=offset, value=value or record.value)


class Slow:
    """Work during which somebody forgets its document."""

    def __init__(self, work: IndexWork, meanwhile: Callable[[], object]) -> None:
        self._work, self._meanwhile = work, meanwhile

    def process(self, records: Sequence[Record]) -> list[Judged]:
        judged = self._work.process(records)
        self._meanwhile()
        return judged

    def probe(self) -> None: ...
    def close(self) -> None: ...


def test_a_document_that_was_in_flight_is_taken_back_before_its_commit(
    log: Log, index: Index
) -> None:
    written: list[bool] = []

    def meanwhile() -> None:
        written.append(index.get(an_id("flood")) is not None)
        decide(log, [a_decision("id", an_id("flood"))])

    work = ForgetfulWork(
        Slow(IndexWork(index, now), meanwhile),
        ForgetsReader(log, "news-index"),
        erase=lambda found: index.remove([one.id for one in found], "forgotten", now()),
    )
    work.process([a_record("flood")])
    assert written == [True]
    assert index.get(an_id("flood")) is None


def test_what_a_killed_index_stage_had_written_goes_when_it_reads_the_record_again(
    log: Log, index: Index
) -> None:
    indexed(index, "flood")  # written, killed before the commit
    decide(log, [a_decision("id", an_id("flood"))])
    index_work(log, index).process([a_record("flood")])
    assert index.get(an_id("flood")) is None


def test_fetch_asks_for_nothing_that_is_forgotten() -> None:
    asked: list[str] = []

    async def fetch(entry: Entry, _: int) -> Outcome[Page | Entry]:
        asked.append(entry.id)
        return Keep(a_page("moved", url_canonical="https://far-post.example/moved"))

    def fetched(entry: Entry, *decisions: Forgotten) -> object:
        guarded = unless_forgotten(fetch, lambda: Forgets(decisions))
        return asyncio.run(guarded(entry, 0))  # type: ignore[arg-type]

    courier = a_decision("domain", "elsin-courier.example")
    assert fetched(an_entry(), courier) == Drop("forgotten")
    assert asked == []
    assert fetched(an_entry(), a_decision("domain", "far-post.example")) == Drop("forgotten")
    assert isinstance(fetched(an_entry()), Keep)


# ── the page archive ────────────────────────────────────────────────────────────────────────


def test_a_file_keeps_its_time_its_mode_and_its_other_records(settings: Settings) -> None:
    archived(settings, "a", "b", "c").close()
    (path,) = settings.archive_folder.glob("pages-*")
    os.utime(path, (1e9, 1e9))
    before = path.read_bytes()
    forgets = Forgets([a_decision("url", "elsin-courier.example/b")])
    (change,) = forget_pages(settings.archive_folder, forgets, is_dry=False)
    assert (change.name, change.pages, change.left) == (path.name, 1, "")
    assert pages_of(settings) == [an_id("a"), an_id("c")]
    assert path.stat().st_mtime == 1e9
    assert path.stat().st_mode & 0o777 == 0o600
    after = path.read_bytes()
    assert 0 < len(after) < len(before)
    assert before.startswith(after[:200])
    assert list(forget_pages(settings.archive_folder, forgets, is_dry=False)) == []
    assert [one.name for one in settings.archive_folder.iterdir()] == [path.name]


def test_a_killed_rewriting_leaves_nothing_behind(settings: Settings) -> None:
    archived(settings, "a", "b").close()
    (path,) = settings.archive_folder.glob("pages-*")
    beside = path.with_name(f".{path.name}.rewritten")
    beside.write_bytes(path.read_bytes()[:500])
    forgets = Forgets([a_decision("id", an_id("b"))])
    assert len(list(forget_pages(settings.archive_folder, forgets, is_dry=False))) == 1
    assert pages_of(settings) == [an_id("a")]
    assert not beside.exists()


def test_a_file_being_written_is_closed_and_rewritten_by_its_writer(
    settings: Settings, log: Log
) -> None:
    archive = archived(settings, "a", "b")
    forgets = Forgets([a_decision("id", an_id("b"))])
    (change,) = forget_pages(settings.archive_folder, forgets, is_dry=False)
    assert change.left == "open"
    work = ForgetfulWork(
        Slow(IndexWork(None, now), lambda: None),  # type: ignore[arg-type]
        ForgetsReader(log, "news-archive"),
        on_new=archive.forget,
    )
    decide(log, [a_decision("id", an_id("b"))])
    work.idle()
    assert pages_of(settings) == [an_id("a")]
    assert list(forget_pages(settings.archive_folder, forgets, is_dry=False)) == []
    archive.add([a_page("c")])
    archive.close()
    assert sorted(pages_of(settings)) == sorted([an_id("a"), an_id("c")])


def test_the_file_of_a_dead_writer_is_recovered_and_rewritten(settings: Settings) -> None:
    archived(settings, "a", "b").close()
    (path,) = settings.archive_folder.glob("pages-*")
    path.rename(path.with_name(f"{path.name}.open"))
    forgets = Forgets([a_decision("id", an_id("b"))])
    (change,) = forget_pages(settings.archive_folder, forgets, is_dry=False)
    assert (change.name, change.pages, change.left) == (path.name, 1, "")
    assert pages_of(settings) == [an_id("a")]


def test_what_is_behind_damage_stays_and_is_told(settings: Settings) -> None:
    archived(settings, "a", "b").close()
    (path,) = settings.archive_folder.glob("pages-*")
    with path.open("ab") as file:
        file.write(b"no gzip")
    forgets = Forgets([a_decision("id", an_id("b"))])
    (change,) = forget_pages(settings.archive_folder, forgets, is_dry=False)
    assert (change.pages, change.left) == (1, "damaged")
    assert path.read_bytes().endswith(b"no gzip")


def test_files_that_are_ingested_are_dropped_by_name(cli: Cli, log: Log, tmp_path: Path) -> None:
    decide(log, [a_decision("domain", "elsin-courier.example")])
    text = "title: Flood\nurl: https://elsin-courier.example/flood\n\nThe ferry came late again."
    (tmp_path / "flood.txt").write_text(text)
    made = done(cli("ingest", str(tmp_path / "flood.txt"), "--json"))
    assert made["outcomes"] == {"dropped: forgotten": 1}
    assert list(log.scan("news.pages")) == []
    (drop,) = [json.loads(one.value or b"") for one in log.scan("news.drops")]
    assert (drop["stage"], drop["reason"]) == ("ingest", "forgotten")


def test_a_replay_leaves_out_what_is_forgotten(cli: Cli, log: Log) -> None:
    with closing(log.appender()) as appender:
        append_all(appender, [NewRecord("news.pages", "x", encode(a_page("flood")))])
    decide(log, [a_decision("url", "elsin-courier.example/flood")])
    asked = ("replay", "--from", "pages", "--since", "1990-01-01", "--dry-run", "--json")
    assert done(cli(*asked))["left_out"] == {"forgotten": 1}


def test_a_page_that_a_killed_archive_stage_wrote_goes_when_its_file_is_recovered(
    settings: Settings, log: Log
) -> None:
    archived(settings, "a", "b").close()
    (path,) = settings.archive_folder.glob("pages-*")
    path.rename(path.with_name(f"{path.name}.open"))  # as a kill before the commit leaves it
    decide(log, [a_decision("id", an_id("b"))])
    options = ArchiveOptions()
    archive = PageArchive(settings.archive_folder, options, now, max_page_bytes=1_000_000)
    forgets = ForgetsReader(log, "news-archive")
    work = ForgetfulWork(ArchiveWork(archive), forgets, on_new=archive.forget, outcome=Keep(None))
    (judged,) = work.process([_at(a_record("b"), 1, encode(a_page("b")))])
    assert judged.outcome == Keep(None)
    archive.close()
    assert pages_of(settings) == [an_id("a")]
