"""What an operator has to know now: stages, servers, waiting records, failures, feeds, disks."""

from __future__ import annotations

import platform
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from ingest import __version__
from ingest.bootstrap.engines import now as clock
from ingest.bootstrap.engines import open_index, open_log
from ingest.bootstrap.worker_reports import SILENT_SECONDS, WorkerReport
from ingest.errors import DependencyUnavailable, WireError
from ingest.masking import masked
from ingest.model import DropRecord
from ingest.operations.disks import Disk, disks
from ingest.ports import FeedsReport, Index, Log, Record
from ingest.query import Everything, SearchRequest
from ingest.records.reading import scanned
from ingest.records.stage_plan import DROPS, WORKER_STATE, StagePlan, plans
from ingest.settings.live_feeds import accepted_path
from ingest.settings.load import Settings
from ingest.wire import decode

#: Exit statuses: all is well, something to look at, held or stuck.
WELL, LOOK, HELD = 0, 1, 2
#: How long all questions together may take.
ANSWER_SECONDS = 1.3
#: What is left of it for the judgement.
_MARGIN_SECONDS = 0.1
_TURN_SECONDS = 0.02
_LATE = DependencyUnavailable("does not answer in time")
#: How far reports are read back: a worker that was silent for longer is not shown.
_REPORTS = timedelta(minutes=30)
_DROPS = timedelta(hours=1)
#: From then on it is something to look at.
BEHIND = timedelta(minutes=15)
#: How long a poller takes at most to load a changed feeds.yml.
_RELOAD_SECONDS = 10.0
FAILING = timedelta(days=1)
_SEVERITY = {"working": 0, "holding": 1, "stuck": 2}


class Notice(msgspec.Struct, frozen=True):
    """A sentence that explains an exit status other than 0."""

    level: int
    text: str


class Server(msgspec.Struct, frozen=True):
    """The log or the index: where it is, its name and version, and why it does not answer."""

    address: str
    engine: str = ""
    error: str = ""


class Tally(msgspec.Struct, frozen=True):
    """Records by reason. If there was no time to count all, `is_complete` is false and none is given:
    a later record may take an earlier one back."""

    by_reason: dict[str, int]
    is_complete: bool = True


class StageStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A stage. `state` is working, holding, stuck, failed, silent, `no worker` or unknown.

    `on` and `since` explain it. `lost` are workers that went silent or failed and were not started
    again. `records` were finished since the workers started; what waits is
    None where the log does not answer, and the oldest is one of the main topic.
    """

    stage: str
    state: str
    on: str = ""
    since: datetime | None = None
    workers: tuple[WorkerReport, ...] = ()
    lost: tuple[WorkerReport, ...] = ()
    records: int = 0
    records_a_minute: float = 0.0
    waiting: int | None = None
    waiting_in_retries: int | None = None
    waiting_in_backfill: int | None = None
    oldest_waiting_seconds: float | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One look at an installation. What could not be asked is None, and a notice says why."""

    at: datetime
    exit_status: int
    notices: tuple[Notice, ...]
    stages: tuple[StageStatus, ...]
    log: Server
    index: Server
    documents: int | None
    dead_letters: Tally | None
    drops_last_hour: Tally | None
    feeds: FeedsReport | None
    disks: tuple[Disk, ...]
    version: str = __version__
    python: str = platform.python_version()


class Looker:
    """Looks at an installation again and again; every look ends within its time limit.

    Each question has a thread. One that gets no answer in time is not asked again before it does.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._plans = plans(settings.pipeline)
        self._log: Log | None = None
        self._index: Index | None = None
        self._threads: dict[str, threading.Thread] = {}
        self._answers: dict[str, Any] = {}
        self._left_seconds = 0.0

    def look(self, seconds: float = ANSWER_SECONDS) -> Status:
        """Return the status now. It writes nothing and raises nothing."""
        self._left_seconds, until = seconds, time.monotonic() + seconds
        self._ask("index", self._ask_index)
        self._ask("log", self._ask_log)
        found = {"log": self._answer("log")}
        log: Log | None = None if isinstance(found["log"], Exception) else found["log"][0]
        questions: dict[str, Callable[[Log], object]] = {
            "reports": _reports,
            "dead letters": partial(_dead_letters, self._plans, until),
            "drops": partial(_drops, until),
            **{f"lag {plan.name}": partial(waiting_of, plan) for plan in self._plans},
        }
        if log is not None:
            for name, question in questions.items():
                self._ask(name, partial(question, log))
            found |= {name: self._answer(name) for name in questions}
        found["index"] = self._answer("index")
        return self._status(found)

    def _ask(self, name: str, question: Callable[[], object]) -> None:
        def run() -> None:
            try:
                self._answers[name] = question()
            except Exception as error:  # noqa: BLE001 - shown as the answer
                self._answers[name] = error

        if name not in self._threads or not self._threads[name].is_alive():
            self._answers.pop(name, None)
            self._threads[name] = threading.Thread(target=run, name=name, daemon=True)
            self._threads[name].start()

    def _answer(self, name: str) -> Any:
        """Return the answer to a question, or its error.

        The wait is counted in turns of this thread, so that servers do not seem to be silent
        where all of this machine is slow.
        """
        while self._threads[name].is_alive() and self._left_seconds > 0:
            self._threads[name].join(_TURN_SECONDS)
            self._left_seconds -= _TURN_SECONDS
        return self._answers.get(name, _LATE)

    def _ask_log(self) -> tuple[Log, str]:
        url = self._settings.pipeline.log.url
        if url.startswith("sqlite:") and not self._settings.path_of(url).exists():
            raise DependencyUnavailable("does not exist yet", remedy="start `news-ingest run`")
        if self._log is None:
            self._log = open_log(self._settings, applies=False)
        return self._log, self._log.ping()

    def _ask_index(self) -> tuple[str, int]:
        if self._index is None:
            self._index = open_index(self._settings)
        engine = self._index.ping()  # then a search: an engine that answers may not be able to
        return engine, self._index.search(SearchRequest(query=Everything(), size=0)).total

    def _status(self, found: Mapping[str, Any]) -> Status:
        at, options = clock(), self._settings.pipeline
        known = {name: one for name, one in found.items() if not isinstance(one, Exception)}
        reports = known.get("reports")
        stages = tuple(
            stage_status(plan, reports, known.get(f"lag {plan.name}", {}), at)
            for plan in self._plans
        )
        errors: dict[tuple[int, str], list[str]] = {}
        for name in [name for name in found if name not in known]:
            errors.setdefault((_level(name, found[name]), str(found[name])), []).append(name)
        status = Status(
            at=at,
            exit_status=WELL,
            notices=tuple(
                Notice(level, f"{', '.join(names)}: {error}")
                for (level, error), names in errors.items()
            ),
            stages=stages,
            log=_server(options.log.url, known.get("log", ("", ""))[1], found["log"]),
            index=_server(options.index.url, known.get("index", ("",))[0], found["index"]),
            documents=known.get("index", ("", None))[1],
            dead_letters=known.get("dead letters"),
            drops_last_hour=known.get("drops"),
            feeds=_feeds(worker for stage in stages for worker in stage.workers),
            disks=disks(self._settings),
        )
        notices = (
            *status.notices,
            *_notices(status, _waits_for_word(self._settings, at)),
        )
        worst = max((one.level for one in notices), default=WELL)
        return replace(status, notices=notices, exit_status=worst)


# ── questions ───────────────────────────────────────────────────────────────────────────────


def waiting_of(plan: StagePlan, log: Log) -> dict[str, Any]:
    """Return how many records wait for a stage, and the age of the oldest in its main topic."""
    lags = log.lag(plan.group, plan.inputs) if plan.inputs else []
    main = [one for one in lags if one.place.topic == plan.reads]
    backfill = [one for one in lags if one.place.topic == plan.backfill_reads]
    times = [one.oldest_waiting_at_ms for one in main if one.oldest_waiting_at_ms is not None]
    waiting, late = (sum(one.records for one in part) for part in (main, backfill))
    return {
        "waiting": waiting,
        "waiting_in_retries": sum(one.records for one in lags) - waiting - late,
        "waiting_in_backfill": late,
        "oldest_waiting_seconds": max(0.0, time.time() - min(times) / 1000) if times else None,
    }


def _reports(log: Log) -> list[WorkerReport]:
    """Return the last report of each worker that did not end in order."""
    found: dict[bytes, WorkerReport] = {}
    for record in log.scan(WORKER_STATE, since=clock() - _REPORTS):
        found.pop(record.key, None)
        if record.value is not None:
            with suppress(WireError):
                found[record.key] = decode(record.value, WorkerReport, record.origin)
    return list(found.values())


def _dead_letters(all_plans: Iterable[StagePlan], until: float, log: Log) -> Tally:
    topics = sorted({plan.dead_letter_topic for plan in all_plans})
    records = (record for topic in topics for record in scanned(log, topic))
    return _tally(records, lambda one: one.header("dead-letter.reason") or "unknown", until)


def _drops(until: float, log: Log) -> Tally:
    records = log.scan(DROPS, since=clock() - _DROPS)
    return _tally(records, lambda one: decode(one.value, DropRecord).reason, until)


def _tally(records: Iterable[Record], reason: Callable[[Record], str], until: float) -> Tally:
    """Return the last record of each key by reason, if there is time to read all."""
    reasons: dict[tuple[str, bytes], str] = {}
    for record in records:
        reasons.pop((record.topic, record.key), None)
        if record.value is not None:
            reasons[record.topic, record.key] = "unreadable"
            with suppress(WireError):
                reasons[record.topic, record.key] = reason(record)
        if time.monotonic() > until - _MARGIN_SECONDS:
            return Tally({}, is_complete=False)
    return Tally(dict(Counter(reasons.values()).most_common()))


def _waits_for_word(settings: Settings, at: datetime) -> bool:
    """Return whether feeds.yml is not the list in use, although it was there to be loaded."""
    file, accepted = settings.folder / "feeds.yml", accepted_path(settings.folder)
    try:
        is_old = at.timestamp() - file.stat().st_mtime > _RELOAD_SECONDS
        return is_old and file.read_bytes() != accepted.read_bytes()
    except OSError:
        return False


# ── judgement ───────────────────────────────────────────────────────────────────────────────


def _level(name: str, error: object) -> int:
    """Return how bad it is that a question has no answer: a count that is late can wait."""
    return LOOK if error is _LATE and name not in ("log", "index", "reports") else HELD


def _server(url: str, engine: str, answer: object) -> Server:
    return Server(masked(url), engine, str(answer) if isinstance(answer, Exception) else "")


def stage_status(
    plan: StagePlan,
    reports: Sequence[WorkerReport] | None,
    waiting: Mapping[str, Any],
    at: datetime,
) -> StageStatus:
    """Return the state of a stage: that of the worker that is worst off of those alive."""
    mine = [one for one in reports or () if one.stage == plan.name]
    silent_at = at - timedelta(seconds=SILENT_SECONDS)
    alive = [one for one in mine if one.state != "failed" and one.at >= silent_at]
    # One that was started on the same host since then takes the place of one that was lost.
    lost = [
        one if one.state == "failed" else replace(one, state="silent")
        for one in mine
        if one not in alive
        and not any(new.host == one.host and new.started_at >= one.at for new in alive)
    ]
    state, on, since = "unknown" if reports is None else "no worker", "", None
    if alive:
        worst = max(alive, key=lambda one: _SEVERITY.get(one.state, _SEVERITY["holding"]))
        state, on, since = worst.state, worst.on, worst.since
    elif lost:
        last = max(lost, key=lambda one: one.at)
        state, on, since = last.state, last.on, last.at
    return StageStatus(
        stage=plan.name,
        state=state,
        on=on,
        since=since,
        workers=tuple(alive),
        lost=tuple(lost),
        records=sum(one.records for one in alive),
        records_a_minute=round(sum(one.records_a_minute for one in alive), 1),
        **waiting,
    )


def _feeds(workers: Iterable[WorkerReport]) -> FeedsReport | None:
    """Return what the pollers that are alive say about their feeds, together."""
    found = [one.feeds for one in workers if one.feeds is not None]
    if not found:
        return None
    states = sum((Counter(one.states) for one in found), Counter[str]())
    return FeedsReport(dict(states), tuple(feed for one in found for feed in one.records))


def _notices(status: Status, waits_for_word: bool) -> Iterator[Notice]:
    """Return what the operator has to know, beside servers that do not answer."""
    states = {one.state for one in status.stages}
    if states == {"no worker"}:
        counts = [one.waiting for one in status.stages]
        known = [count for count in counts if count is not None]
        some = (
            f"{sum(known)} records" if len(known) == len(counts) else "an unknown number of records"
        )
        text = f"no stage is running, {some} wait: start `news-ingest run`"
        yield Notice(HELD if sum(known) or len(known) < len(counts) else LOOK, text)
    for stage in status.stages:
        if stage.state not in ("working", "unknown") and states != {"no worker"}:
            since = f" since {stage.since:%Y-%m-%d %H:%M:%S} UTC" if stage.since else ""
            yield Notice(HELD, f"{stage.stage}: {stage.state}{since}{stage.on and ': '}{stage.on}")
        for worker in stage.lost if stage.workers else ():
            who = f"{stage.stage}: process {worker.pid} on {worker.host}"
            yield Notice(LOOK, f"{who} is {worker.state} since {worker.at:%H:%M:%S} UTC")
        if (stage.oldest_waiting_seconds or 0) > BEHIND.total_seconds():
            minutes = round((stage.oldest_waiting_seconds or 0) / 60)
            yield Notice(LOOK, f"{stage.stage}: a record has waited for {minutes} min")
    if status.dead_letters is not None and not status.dead_letters.is_complete:
        yield Notice(LOOK, "the dead letters could not be counted in time: give `--timeout`")
    if status.dead_letters is not None and status.dead_letters.by_reason:
        count = sum(status.dead_letters.by_reason.values())
        yield Notice(LOOK, f"{count} dead letters: `news-ingest dead-letters list`")
    for feed in () if status.feeds is None else status.feeds.records:
        failing = feed.failing_since_at
        if feed.state == "gone" or (failing is not None and status.at - failing > FAILING):
            since = "" if failing is None else f" since {failing:%Y-%m-%d}"
            yield Notice(LOOK, f"feed {feed.publisher or feed.feed_id}: {feed.state}{since}")
    if waits_for_word:
        text = "feeds.yml is not in use: it has faults, or waits for `news-ingest feeds confirm`"
        yield Notice(LOOK, text)
    for disk in status.disks:
        if disk.is_filling:
            yield Notice(LOOK, f"the disk of {disk.folder} is {disk}")
    versions = {one.version for stage in status.stages for one in stage.workers if one.version}
    if versions - {__version__}:
        yield Notice(LOOK, f"workers run other versions: {', '.join(sorted(versions))}")
