"""`news-ingest dead-letters`: list, show, replay, drop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.bootstrap.engines import now
from ingest.cli.context import ConfigOption, JsonOption, opened_log, settings_of, shows_errors
from ingest.cli.terminal_text import err, labelled, print_json, print_whole, say
from ingest.errors import NewsIngestError
from ingest.operations.dead_letters import Cleared, DeadLetter, LetterFilter, listed
from ingest.operations.dead_letters import drop as dropped
from ingest.operations.dead_letters import replay as replayed
from ingest.ports import Log
from ingest.records.appending import refusal_reason
from ingest.records.stage_plan import plans

Clear = Callable[[Log, list[DeadLetter]], Cleared]

app = typer.Typer(
    help="Records that could not be processed: list, show, replay, drop.", no_args_is_help=True
)

TopicOption = Annotated[str, typer.Option(help="Only from this topic.")]
StageOption = Annotated[str, typer.Option(help="Only from this stage.")]
ClassOption = Annotated[str, typer.Option("--class", help="transient, permanent, timeout or bug.")]
ReasonOption = Annotated[str, typer.Option(help="Only with this reason.")]
SinceOption = Annotated[
    float, typer.Option("--since-hours", help="Only failed in the last N hours.")
]
LimitOption = Annotated[int, typer.Option(help="Maximum number, oldest first; 0 means all.")]
KeyArgument = Annotated[
    str, typer.Argument(help="Key, document id or entry id; all matching ones if omitted.")
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be done.")]


@app.command("list")
@shows_errors
def list_(
    topic: TopicOption = "",
    stage: StageOption = "",
    failure_class: ClassOption = "",
    reason: ReasonOption = "",
    since_hours: SinceOption = 0,
    limit: LimitOption = 0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the dead letters, oldest first."""
    chosen = _chosen(topic, stage, failure_class, reason, since_hours, limit)
    letters = _letters(config, chosen)
    if as_json:
        for letter in letters:
            print_json(_json(letter))
        return
    rows = [
        (one.key, one.stage, one.failure_class, one.reason, one.failed_at[:19], one.attempts,
         one.url, one.message[:200])
        for one in letters
    ]  # fmt: skip
    if rows:
        columns = ("key", "stage", "class", "reason", "failed at", "attempts", "url", "message")
        print_whole(columns, rows)
    say(f"{len(letters)} dead letters")


@app.command("show")
@shows_errors
def show(key: KeyArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show one dead letter with all its headers and its input."""
    letters = _letters(config, LetterFilter(key=key))
    if not letters:
        raise NewsIngestError(
            "no dead letter has this key", value=key, remedy="see `news-ingest dead-letters list`"
        )
    for letter in letters:
        if as_json:
            print_json(_json(letter, with_input=True))
            continue
        for name, value in letter.record.headers:
            say(labelled(name, value.decode("utf-8", "replace"), "bold"))
        say(labelled("input", "", "bold"))
        say((letter.record.value or b"")[:4000].decode("utf-8", "replace"))


@app.command("replay")
@shows_errors
def replay(
    key: KeyArgument = "",
    topic: TopicOption = "",
    stage: StageOption = "",
    failure_class: ClassOption = "",
    reason: ReasonOption = "",
    since_hours: SinceOption = 0,
    limit: LimitOption = 0,
    dry_run: DryOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replay more than three times.")] = False,
    config: ConfigOption = None,
) -> None:
    """Send dead letters through their stage again.

    Exits with status 1 if the log refused a record; its dead letter is kept.
    """
    chosen = _chosen(topic, stage, failure_class, reason, since_hours, limit, key)
    _clear(config, chosen, dry_run, "replayed", partial(replayed, is_forced=force))


@app.command("drop")
@shows_errors
def drop(
    key: KeyArgument = "",
    topic: TopicOption = "",
    stage: StageOption = "",
    failure_class: ClassOption = "",
    reason: ReasonOption = "",
    since_hours: SinceOption = 0,
    limit: LimitOption = 0,
    dry_run: DryOption = False,
    config: ConfigOption = None,
) -> None:
    """Discard dead letters; each leaves a record in news.drops.

    Exits with status 1 if the log refused a record; its dead letter is kept.
    """
    chosen = _chosen(topic, stage, failure_class, reason, since_hours, limit, key)
    if chosen == LetterFilter():
        say("error: give a key, or --topic, --stage, --class or --reason", err)
        raise typer.Exit(2)
    _clear(config, chosen, dry_run, "dropped", partial(dropped, clock=now))


def report(cleared: Cleared, verb: str) -> None:
    """Print how many letters were cleared and which the log refused; exit with 1 if any were."""
    say(f"{cleared.done} {verb}")
    for letter, error in cleared.refused:
        say(f"refused: {refusal_reason(error)}: {letter.key}: {error}", err)
    if cleared.refused:
        raise typer.Exit(1)


def _letters(config: Path | None, chosen: LetterFilter) -> list[DeadLetter]:
    settings = settings_of(config)
    with opened_log(settings) as log:
        return listed(log, plans(settings.pipeline), chosen)


def _clear(
    config: Path | None, chosen: LetterFilter, dry_run: bool, verb: str, clear: Clear
) -> None:
    settings = settings_of(config)
    with opened_log(settings) as log:
        letters = listed(log, plans(settings.pipeline), chosen)
        if dry_run:
            say(f"{len(letters)} would be {verb}")
        else:
            report(clear(log, letters), verb)


def _chosen(
    topic: str, stage: str, failure_class: str, reason: str, since_hours: float, limit: int,
    key: str = "",
) -> LetterFilter:  # fmt: skip
    since = now() - timedelta(hours=since_hours) if since_hours else None
    return LetterFilter(topic=topic, stage=stage, failure_class=failure_class, reason=reason,
                  since=since, limit=limit, key=key)  # fmt: skip


def _json(letter: DeadLetter, *, with_input: bool = False) -> dict[str, Any]:
    fields = {name: getattr(letter, name) for name in letter.__struct_fields__ if name != "record"}
    if with_input:
        fields["headers"] = {
            name: value.decode("utf-8", "replace") for name, value in letter.record.headers
        }
        fields["input"] = (letter.record.value or b"").decode("utf-8", "replace")
    return fields
