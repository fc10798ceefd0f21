"""Appends documents from disk to the pages topic and follows them until they are searchable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from threading import Event as Flag

import msgspec

from ingest.errors import NewsIngestError
from ingest.model import DropRecord, Page
from ingest.operations.ledger import KNOWN_AT_ONCE, dead_letters, known_in_parts
from ingest.operations.throttle import Throttle, WorkerWatch
from ingest.ports import Clock, Index, Log
from ingest.records.appending import BatchAppender, refusal_reason
from ingest.records.forgotten import FORGOTTEN, Forgets, decisions, names_of
from ingest.records.outputs import drop_output, page_output
from ingest.records.reading import values
from ingest.records.stage_plan import DROPS, StagePlan

LOOK_SECONDS = 0.3


class Fate(msgspec.Struct, kw_only=True):
    """The outcome of one file, or of one record of a WARC file.

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
    """Appends pages; `fates` has one for each file, in order."""

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
        """`plan` is that of the fetch stage, which writes pages. `stop` ends the appending."""
        self._log = log
        self._index = index
        self._plan = plan
        self._clock = clock
        self._throttle = throttle
        self._stop = stop
        self._appender = log.appender()
        self._out = BatchAppender(self._appender, self._note_delivery)
        self._batch: list[tuple[Page, Fate]] = []
        self._forgets = Forgets(decisions(log))
        self.fates: list[Fate] = []

    def add(self, path: str, page: Page) -> None:
        """Add one page; it is appended with its batch."""
        fate = Fate(
            path=path, outcome="appended", id=page.document_id, entry_id=page.entry.id,
            version=page.version,
        )  # fmt: skip
        self.fates.append(fate)
        if self._forgets.has(names_of(page)):
            self._drop(page, fate, "dropped", FORGOTTEN)
            return
        self._batch.append((page, fate))
        if len(self._batch) >= KNOWN_AT_ONCE:
            self._append()

    def refuse(self, path: str, reason: str, drop: DropRecord) -> None:
        """Note a file that is not a document, and record it in news.drops."""
        fate = Fate(path=path, outcome="refused", reason=reason, id=drop.id)
        self.fates.append(fate)
        self._out.add(drop_output(drop), None)

    def pass_over(self, path: str, reason: str) -> None:
        """Note a part of a file that is not a document."""
        self.fates.append(Fate(path=path, outcome="passed_over", reason=reason))

    def finish(self) -> None:
        """Append and flush the rest. Errors: LogUnavailable."""
        self._append()
        self._out.flush()  # the drops of pages that the log refused just now
        self._appender.close()

    def _append(self) -> None:
        """Append the pages that the index does not have in this version yet.

        Errors: NewsIngestError when too much waits for a stage without a worker.
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

    def _note_delivery(self, sent: tuple[Page, Fate] | None, error: NewsIngestError | None) -> None:
        """Note whether the log took a page, or a record of news.drops."""
        if error is None:
            return
        if sent is None:
            raise error
        self._drop(*sent, "refused", refusal_reason(error))

    def _drop(self, page: Page, fate: Fate, outcome: str, reason: str) -> None:
        fate.outcome, fate.reason = outcome, reason
        drop = DropRecord(
            id=page.document_id, entry_id=page.entry.id, stage="ingest", reason=reason,
            is_intended=outcome == "dropped", url=page.url_canonical or page.entry.url_published,
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
    """Wait until each appended file is searchable, dropped or a dead letter, and set its outcome.

    Errors: NewsIngestError naming a stage that has unread records and no worker.
    """
    open_fates = [fate for fate in fates if fate.outcome == "appended"]
    total = len(open_fates)
    watch = WorkerWatch(log)
    while open_fates and not stop.is_set():
        open_fates = _settled(open_fates, index)
        if open_fates and not _is_work_waiting(log, plans, watch):
            open_fates = _explained(_settled(open_fates, index), log, plans)
        on_progress(total - len(open_fates), total)
        if open_fates:
            stop.wait(LOOK_SECONDS)
    index.refresh()


def counts(fates: Iterable[Fate]) -> dict[str, int]:
    """Return the number of files by `outcome` or `outcome: reason`, most frequent first."""
    found = Counter(f"{one.outcome}: {one.reason}" if one.reason else one.outcome for one in fates)
    return dict(found.most_common())


def _settled(open_fates: Sequence[Fate], index: Index) -> list[Fate]:
    """Mark the documents that the index has by now; return the rest."""
    ids = (fate.id for fate in open_fates)
    versions = {id: known.version for id, known in known_in_parts(index.known, ids)}
    rest = [fate for fate in open_fates if versions.get(fate.id, -1) < fate.version]
    for fate in open_fates:
        if versions.get(fate.id, -1) >= fate.version:
            fate.outcome = "searchable"
    return rest


def _explained(open_fates: Sequence[Fate], log: Log, plans: Sequence[StagePlan]) -> list[Fate]:
    """Mark the documents that were dropped or are dead letters; return the rest."""
    if not open_fates:
        return []
    dropped = {one.entry_id: one.reason for _, one in values(log, DROPS, DropRecord)}
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


def _is_work_waiting(log: Log, plans: Sequence[StagePlan], watch: WorkerWatch) -> bool:
    """Return whether any of these stages has unread records; fail for one without a worker."""
    is_waiting = False
    for plan in plans:
        unread = sum(one.records for one in log.lag(plan.group, plan.fresh_inputs))
        watch.check(plan, unread)
        is_waiting = is_waiting or unread > 0
    return is_waiting
