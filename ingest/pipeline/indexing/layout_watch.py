"""Looks once an hour whether sites changed their layout, in the index stage."""

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
#: After a look that failed.
AGAIN_AFTER = timedelta(minutes=5)

layout_changed = Event("layout_changed", level="warning")
layout_is_well_again = Event("layout_is_well_again")
layout_watch_failed = Event("layout_watch_failed", level="warning")
_sites = gauge("sites_with_layout_alarm")


class LayoutWatch:
    """Keeps the alarms of the index as the documents want them.

    `is_ours` tells whether this worker is the one of its stage that looks.
    """

    def __init__(
        self, layouts: Callable[[], SiteLayouts], clock: Clock, is_ours: Callable[[], bool]
    ) -> None:
        self._layouts, self._clock, self._is_ours = layouts, clock, is_ours
        self._due_at: datetime | None = None

    def tick(self) -> None:
        """Look when it is time. Errors: none; a failed look is told and tried again."""
        now = self._clock()
        if self._due_at is not None and now < self._due_at:
            return
        if not self._is_ours():
            _sites.set(0)
            return
        try:
            alarms = renewed(self._layouts(), now)
        except NewsIngestError as error:
            self._due_at = now + AGAIN_AFTER
            layout_watch_failed(cause=str(error))
            return
        self._due_at = now + PERIOD
        _sites.set(len({one.site for one in alarms}))


def renewed(layouts: SiteLayouts, now: datetime) -> tuple[LayoutAlarm, ...]:
    """Write the alarms of now, tell of those that came and went, and give them.

    Errors: those of SiteLayouts.
    """
    before = {one.id: one for one in layouts.alarms()}
    alarms = tuple(
        replace(one, raised_at=before.get(one.id, one).raised_at) for one in found_now(layouts, now)
    )
    if alarms or before:
        layouts.put_alarms(alarms)
    for one in alarms:
        if one.id not in before:
            layout_changed(site=one.site, signal=one.signal, sentence=one.sentence,
                           before=one.before, now=one.now, documents=one.document_ids)  # fmt: skip
    for id in before.keys() - {one.id for one in alarms}:
        layout_is_well_again(site=before[id].site, signal=before[id].signal)
    return alarms


def found_now(layouts: SiteLayouts, now: datetime) -> tuple[LayoutAlarm, ...]:
    """Return the alarms that the documents of now make; writes nothing. Errors: as SiteLayouts."""
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
