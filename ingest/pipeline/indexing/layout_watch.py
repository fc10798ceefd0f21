"""Checks once an hour, in the index stage, whether sites changed their layout."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from ingest.errors import NewsIngestError
from ingest.pipeline.indexing.layout_drift import BEFORE, LATEST, LEAST_DOCUMENTS, Drift, drifts_of
from ingest.ports import Clock, LayoutAlarm, SiteLayouts
from ingest.telemetry import Event, gauge

EXAMPLES = 3
PERIOD = timedelta(hours=1)
#: Delay after a check that failed.
RETRY_AFTER = timedelta(minutes=5)

layout_changed = Event("layout_changed", level="warning")
layout_alarm_cleared = Event("layout_alarm_cleared")
layout_watch_failed = Event("layout_watch_failed", level="warning")
_sites = gauge("sites_with_layout_alarm")


class LayoutWatch:
    """Updates the layout alarms in the index.

    `is_ours` returns whether this worker is the one of its stage that checks.
    """

    def __init__(
        self, layouts: Callable[[], SiteLayouts], clock: Clock, is_ours: Callable[[], bool]
    ) -> None:
        self._layouts, self._clock, self._is_ours = layouts, clock, is_ours
        self._due_at: datetime | None = None

    def tick(self) -> None:
        """Check if it is due. Errors: none; a failed check is logged and retried."""
        now = self._clock()
        if self._due_at is not None and now < self._due_at:
            return
        if not self._is_ours():
            _sites.set(0)
            return
        try:
            alarms = update_alarms(self._layouts(), now)
        except NewsIngestError as error:
            self._due_at = now + RETRY_AFTER
            layout_watch_failed(cause=str(error))
            return
        self._due_at = now + PERIOD
        _sites.set(len({one.site for one in alarms}))


def update_alarms(layouts: SiteLayouts, now: datetime) -> tuple[LayoutAlarm, ...]:
    """Write the current alarms, log those that are new or cleared, and return the current ones.

    Errors: those of SiteLayouts.
    """
    before = {one.id: one for one in layouts.alarms()}
    alarms = tuple(
        replace(one, raised_at=before.get(one.id, one).raised_at)
        for one in current_alarms(layouts, now)
    )
    if alarms or before:
        layouts.put_alarms(alarms)
    for one in alarms:
        if one.id not in before:
            layout_changed(site=one.site, signal=one.signal, sentence=one.sentence,
                           before=one.before, now=one.now, documents=one.document_ids)  # fmt: skip
    for id in before.keys() - {one.id for one in alarms}:
        layout_alarm_cleared(site=before[id].site, signal=before[id].signal)
    return alarms


def current_alarms(layouts: SiteLayouts, now: datetime) -> tuple[LayoutAlarm, ...]:
    """Return the alarms of the current documents, without writing. Errors: those of SiteLayouts."""
    since = now - LATEST
    sites = layouts.layouts(since - BEFORE, since, LEAST_DOCUMENTS)
    return tuple(
        _alarm(layouts, drift, since, now) for layout in sites for drift in drifts_of(layout)
    )


def _alarm(layouts: SiteLayouts, drift: Drift, since: datetime, now: datetime) -> LayoutAlarm:
    return LayoutAlarm(
        **drift._asdict(),
        document_ids=layouts.examples(drift.site, drift.signal, since, EXAMPLES),
        feed_ids=layouts.feeds_of(drift.site, since),
        raised_at=now,
        checked_at=now,
    )
