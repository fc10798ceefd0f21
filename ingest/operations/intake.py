"""Puts documents from disk into the pages topic and follows them until they are searchable."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from threading import Event as Flag

import msgspec

from ingest.errors import NewsIngestError
from ingest.model import DropRecord, Page
from ingest.operations.ledger import dead_letters, drops
from ingest.operations.throttle import Throttle
from ingest.ports import Clock, Index, Log
from ingest.records.appending import BatchAppender, refusal_reason
from ingest.records.outputs import drop_output, page_output
from ingest.records.stage_plan import StagePlan

KNOWN_AT_ONCE = 500
LOOK_SECONDS = 0.3
#: A group without a member for so long, with work waiting, has no worker.
NO_WORKER_SECONDS = 20.0


class Fate(msgspec.Struct, kw_only=True):
    """What became of one file, or one record of a WARC file.

    Outcomes: waiting (not sent), appended, searchable, known, refused, passed_over, dropped,
    dead_letter.
    """

    path: str
    outcome: str
    reason: str = ""
    id: str = ""
    entry_id: str = ""
    version: int = 0


class Intake:
    """Appends pages; `fates` is one a file, in order."""

    def __init__(
        self,
        log: Log,
        index: Index,
        plan: StagePlan,
        clock: Clock,
        *,
        throttle: Throttle,
        stop: Flag,
    ) -> None:
        """`plan` is the fetch stage's: what writes pages. Nothing is appended once `stop` is set."""
        self._log = log
        self._index = index
        self._plan = plan
        self._clock = clock
        self._throttle = throttle
        self._stop = stop
        self._appender = log.appender()
        self._out = BatchAppender(self._appender, self._told)
        self._batch: list[tuple[Page, Fate]] = []
        self.fates: list[Fate] = []

    def add(self, path: str, page: Page) -> None:
        """Take one page; it is appended with the next hundreds."""
        fate = Fate(
            path=path, outcome="appended", id=page.document_id, entry_id=page.entry.id,
            version=page.version,
        )  # fmt: skip
        self.fates.append(fate)
        self._batch.append((page, fate))
        if len(self._batch) >= KNOWN_AT_ONCE:
            self._append()

    def refuse(self, path: str, reason: str, drop: DropRecord) -> None:
        """Note a file that is no document, and keep that in news.drops."""
        fate = Fate(path=path, outcome="refused", reason=reason, id=drop.id)
        self.fates.append(fate)
        self._out.add(drop_output(drop), None)

    def pass_over(self, path: str, reason: str) -> None:
        """Count what a file holds beside documents."""
        self.fates.append(Fate(path=path, outcome="passed_over", reason=reason))

    def finish(self) -> None:
        """Make everything durable. Errors: LogUnavailable."""
        self._append()
        self._out.flush()  # with the drops of pages that the log refused just now
        self._appender.close()

    def _append(self) -> None:
        """Append what the index does not have in this version already.

        Errors: NewsIngestError when far too much waits for a stage that nobody runs.
        """
        if self._throttle.is_due:
            self._throttle.wait(self._stop)
        known = self._index.known([page.document_id for page, _ in self._batch])
        for page, fate in self._batch:
            there = known.get(page.document_id)
            if there is not None and there.version >= page.version:
                fate.outcome = "known"
                continue
            if self._stop.is_set():
                fate.outcome = "waiting"
                continue
            self._out.add(page_output(page, None, self._plan, self._clock), (page, fate))
            self._throttle.sent()
        self._out.flush()
        self._batch = []

    def _told(self, sent: tuple[Page, Fate] | None, error: NewsIngestError | None) -> None:
        """Take note of what became of a page, or of a record in news.drops."""
        if error is None:
            return
        if sent is None:
            raise error
        page, fate = sent
        fate.outcome, fate.reason = "refused", refusal_reason(error)
        drop = DropRecord(
            id=page.document_id, entry_id=page.entry.id, stage="ingest", reason=fate.reason,
            is_intended=False, url=page.url_canonical or page.entry.url_published,
            at=self._clock(),
        )  # fmt: skip
        self._out.add(drop_output(drop), None)


def followed(
    fates: Sequence[Fate],
    log: Log,
    index: Index,
    plans: Sequence[StagePlan],
    stop: Flag,
    *,
    on_progress: Callable[[int, int], None],
) -> None:
    """Wait until each appended file is searchable, dropped or a dead letter, and say so in it.

    Errors: NewsIngestError naming a group that has work waiting and no worker.
    """
    open_fates = [fate for fate in fates if fate.outcome == "appended"]
    total = len(open_fates)
    idle_since: dict[str, float] = {}
    while open_fates and not stop.is_set():
        open_fates = _settled(open_fates, index)
        if open_fates and not _is_work_waiting(log, plans, idle_since):
            open_fates = _explained(_settled(open_fates, index), log, plans)
        on_progress(total - len(open_fates), total)
        if open_fates:
            stop.wait(LOOK_SECONDS)
    index.refresh()


def counts(fates: Iterable[Fate]) -> dict[str, int]:
    """Return how many files ended how, `outcome` or `outcome: reason`, most first."""
    found = Counter(f"{one.outcome}: {one.reason}" if one.reason else one.outcome for one in fates)
    return dict(found.most_common())


def _settled(open_fates: Sequence[Fate], index: Index) -> list[Fate]:
    """Mark what the index has by now; give the rest."""
    rest: list[Fate] = []
    for start in range(0, len(open_fates), KNOWN_AT_ONCE):
        part = open_fates[start : start + KNOWN_AT_ONCE]
        known = index.known([fate.id for fate in part])
        for fate in part:
            there = known.get(fate.id)
            if there is not None and there.version >= fate.version:
                fate.outcome = "searchable"
            else:
                rest.append(fate)
    return rest


def _explained(open_fates: Sequence[Fate], log: Log, plans: Sequence[StagePlan]) -> list[Fate]:
    """Mark what was dropped or set aside; give what is still nowhere."""
    if not open_fates:
        return []
    dropped = {one.entry_id: one.reason for one in drops(log).values()}
    dead = {
        record.header("dead-letter.entry-id") or "": record.header("dead-letter.reason") or ""
        for plan in plans
        for record in dead_letters(log, plan).values()
    }
    rest = []
    for fate in open_fates:
        if fate.entry_id in dropped:
            fate.outcome, fate.reason = "dropped", dropped[fate.entry_id]
        elif fate.entry_id in dead:
            fate.outcome, fate.reason = "dead_letter", dead[fate.entry_id]
        else:
            rest.append(fate)
    return rest


def _is_work_waiting(log: Log, plans: Sequence[StagePlan], idle_since: dict[str, float]) -> bool:
    """Return whether any of these stages has unread records; refuse to wait for nobody."""
    is_waiting = False
    for plan in plans:
        if not sum(one.records for one in log.lag(plan.group, plan.fresh_inputs)):
            idle_since.pop(plan.group, None)
            continue
        is_waiting = True
        if log.members(plan.group):
            idle_since.pop(plan.group, None)
            continue
        since = idle_since.setdefault(plan.group, time.monotonic())
        if time.monotonic() - since > NO_WORKER_SECONDS:
            raise NewsIngestError(
                f"the group {plan.group} has no worker, and documents are waiting for it",
                value=plan.name,
                remedy=f"start one: news-ingest run --stage {plan.name}",
            )
    return is_waiting
