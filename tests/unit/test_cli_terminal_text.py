"""Text of strangers never steers the terminal: not in any verb, nor in its errors or its JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from ingest.bootstrap.engines import open_index, open_log
from ingest.cli import context, terminal_text
from ingest.cli.main import app
from ingest.cli.terminal_text import clean, print_json, shown
from ingest.errors import NewsIngestError
from ingest.identity import registrable_domain
from ingest.polling.state.feed_state import FeedState, encode_state
from ingest.ports import IndexWrite, LayoutAlarm, Revision
from ingest.records.stage_plan import FEED_STATE, plans
from ingest.settings.load import Settings, load
from ingest.wire import encode
from tests.builders import an_entity, an_entry, an_indexed_document, entity_fields

CONFIG = Path(__file__).parents[2] / "config"
NOW = datetime.now(UTC)
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
#: C0 and C1 controls, escape sequences in both codings, and every bidi control, around a word.
EVIL = f"\x1b[2J\x1b]0;x\x07\x9b31m\x9dx\x9c{BIDI}ferry\x00\x08\r\x7f\x85\u2028"
#: The same as a name that nothing has.
UNKNOWN = f"{EVIL}y"
ENTRY = an_entry("evil", url_published=f"https://courier.example/{EVIL}", title=EVIL)
STEERING = {*map(chr, range(32)), *map(chr, range(127, 160)), *BIDI, "\u2028", "\u2029"} - {"\n"}

Cli = Callable[..., Result]


def steering_in(text: str) -> set[str]:
    return STEERING & set(text)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with config/, log and index, all of it full of text that steers."""
    folder = tmp_path_factory.mktemp("evil")
    copytree(CONFIG, folder / "config", ignore=ignore_patterns("kibana", ".*"))
    name = json.dumps(EVIL)  # a double-quoted text of YAML as well
    (folder / "config" / "feeds.yml").write_text(
        f"feeds:\n  - {{url: 'https://courier.example/feed', id: courier, publisher: {name}}}\n"
    )
    settings = load(folder / "config", {})
    _fill_index(settings)
    _fill_log(settings)
    (folder / "feed.xml").write_text(
        '<rss version="2.0"><channel><title>A\x9b31m\u202eferry</title><item>'
        "<title>B\x9b31m\u202eferry</title><link>https://courier.example/\u202ea</link>"
        "</item></channel></rss>",
        encoding="utf-8",
    )
    (folder / "page.html").write_text(
        "<title>A\u202e&#155;2J</title><article><p>"
        + "The ferry \u202e&#27;[2J came. " * 40
        + "</p></article>",
        encoding="utf-8",
    )
    (folder / f"bad{BIDI}\x1b[2J.opml").write_text(
        "<opml><body><outline xmlUrl='gopher://\u202ea.example/' text='\x9b31m'/></body></opml>",
        encoding="utf-8",
    )
    return folder


def _fill_index(settings: Settings) -> None:
    index = open_index(settings)
    document = an_indexed_document(
        "evil",
        id="1" * 32,
        title=EVIL,
        subtitle=EVIL,
        text=f"{EVIL} came late",
        summary=EVIL,
        publisher=EVIL,
        authors=(EVIL,),
        url_canonical=f"https://courier.example/{EVIL}",
        **entity_fields(an_entity(EVIL, forms=(EVIL,))),
    )
    index.put([IndexWrite(document)])
    index.revisions.put(
        [
            Revision(
                document_id="1" * 32, revision=2, revision_before=1, version=2, changed_at=NOW,
                first_seen_at=NOW, url=EVIL, publisher=EVIL, language="en", title_before=EVIL,
                title_after=f"new {EVIL}", added=(EVIL,), removed=(EVIL,), added_count=1,
                removed_count=1, changed_share=0.4,
            )
        ]
    )  # fmt: skip
    alarm = LayoutAlarm(
        site="courier.example", signal="dates", before=1, now=0, sentence=EVIL, documents=1,
        document_ids=(EVIL,), feed_ids=("courier",), raised_at=NOW, checked_at=NOW,
    )  # fmt: skip
    index.layouts.put_alarms([alarm])
    index.close()


def _fill_log(settings: Settings) -> None:
    log = open_log(settings)
    log.apply(settings.topics)
    appender = log.appender()
    state = FeedState(
        feed_id="courier", configured_url="https://courier.example/feed", title=EVIL,
        last_poll_at=NOW, last_success_at=NOW, next_poll_at=NOW + timedelta(minutes=5),
        interval_seconds=1800.0, failure_score=1, failing_since_at=NOW, last_error_class="timeout",
        last_error_text=EVIL, effective_url=f"https://courier.example/{EVIL}",
    )  # fmt: skip
    appender.append(
        FEED_STATE, "courier", encode_state(state), (), registrable_domain("courier.example")
    )
    appender.append("news.entries", ENTRY.id, encode(ENTRY), (), "courier.example")
    values = {
        "stage": "fetch", "class": "bug", "reason": EVIL, "message": EVIL, "url": EVIL,
        "failed-at": NOW.isoformat(), "entry-id": ENTRY.id,
    }  # fmt: skip
    headers = [(f"dead-letter.{name}", value.encode()) for name, value in values.items()]
    topic = next(
        plan for plan in plans(settings.pipeline) if plan.kind == "fetch"
    ).dead_letter_topic
    appender.append(topic, ENTRY.id, EVIL.encode(), headers, "courier.example")
    appender.flush(10)
    appender.close()
    log.close()


@pytest.fixture
def cli(installation: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(installation)

    def run(*arguments: str) -> Result:
        environment = {"NEWS_INGEST_CONFIG": str(installation / "config")}
        return CliRunner().invoke(app, list(arguments), env=environment)

    return run


VERBS = [
    ("search", "ferry"),
    ("show", "1" * 32),
    ("revisions",),
    ("trace", ENTRY.id),
    ("trace", "1" * 32),
    ("audit",),
    ("lag",),
    ("dead-letters", "list", "--stage", "fetch"),
    ("dead-letters", "show", ENTRY.id),
    ("feeds", "list"),
    ("feeds", "status"),
    ("feeds", "status", "courier"),
    ("feeds", "remove", "courier", "--dry-run"),
    ("feeds", "poll", "courier"),
    ("feeds", "import", f"bad{BIDI}\x1b[2J.opml", "--dry-run"),
    pytest.param(("feeds", "test", "feed.xml"), marks=pytest.mark.slow),
    pytest.param(("extract", "page.html", "--explain"), marks=pytest.mark.slow),
    ("check", "--no-feeds"),
]


@pytest.mark.parametrize("arguments", VERBS)
def test_no_verb_lets_text_steer_the_terminal(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stdout
    assert "error:" not in result.stderr
    assert steering_in(result.output) == set()


@pytest.mark.parametrize("arguments", VERBS)
def test_nor_does_its_json(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments, "--json")
    assert result.stdout
    assert steering_in(result.output) == set()
    assert [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", f"nofield:{UNKNOWN}"),
        ("search", "ferry", "--sort", UNKNOWN),
        ("show", UNKNOWN),
        ("trace", UNKNOWN),
        ("revisions", "--since", UNKNOWN),
        ("dead-letters", "show", UNKNOWN),
        ("ingest", UNKNOWN.replace("\x00", "")),
        ("replay", "--from", UNKNOWN),
        ("run", "--stage", UNKNOWN),
        ("feeds", "status", UNKNOWN),
        ("feeds", "list", "--state", UNKNOWN),
        ("feeds", "poll", UNKNOWN),
        ("feeds", "add", UNKNOWN),
        ("feeds", "backfill", UNKNOWN),
    ],
    ids=lambda arguments: " ".join(arguments[:2]).partition("\x1b")[0],
)
def test_nor_does_an_error(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert result.exit_code in (1, 2)
    assert result.stderr
    assert steering_in(result.output) == set()


def test_every_part_of_an_error_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    context.show_error(NewsIngestError(EVIL, value=EVIL, origin=EVIL, remedy=EVIL))
    written = capsys.readouterr().err
    assert written.count("ferry") == 4
    assert steering_in(written) == set()


def test_markup_of_strangers_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    terminal_text.say("[bold]ferry[/] [link=x]y")
    terminal_text.print_table(("a",), [("[red]ferry",)])
    terminal_text.print_list(("a",), [("[/]ferry\nlate",)])
    written = capsys.readouterr().out
    assert "[bold]ferry[/] [link=x]y" in written
    assert "[red]ferry" in written
    assert "[/]ferry late" in written


def test_joiners_that_scripts_need_stay() -> None:
    text = "\u0645\u06cc\u200c\u0631\u0648\u062f \U0001f469\u200d\U0001f692 soft\u00adhyphen"
    assert clean(text) == text


def test_halves_of_surrogate_pairs_can_be_printed() -> None:
    assert clean("a\udcffb") == "a b"


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(sorted(STEERING)))))
def test_nothing_steers_whatever_the_text(text: str) -> None:
    assert steering_in(clean(text)) == set()
    assert shown(text).plain == clean(text)
    assert clean(clean(text)) == clean(text)


def test_json_says_the_same_with_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"title": EVIL, "plain": "Fähre — 渡し船"})
    written = capsys.readouterr().out
    assert steering_in(written) == set()
    assert json.loads(written) == {"title": EVIL, "plain": "Fähre — 渡し船"}
    assert "Fähre — 渡し船" in written


def test_what_another_verb_needs_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    key = "news.entries.backfill/11/" + "7" * 60
    rows = [(key, "fetch", "u" * 300), ("short", "index", "")]
    terminal_text.print_whole(("key", "stage", "url"), rows)
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["key", "stage", "url"]
    assert first.split() == list(rows[0])
    assert second.split() == ["short", "index"]
