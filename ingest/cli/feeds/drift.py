"""`news-ingest feeds drift`: shows which sites changed the layout of their pages."""

from __future__ import annotations

from typing import Any

import msgspec
import typer

from ingest.bootstrap.engines import now as clock
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    settings_of,
    show_error,
    shows_errors,
)
from ingest.cli.terminal_text import line, print_json, say
from ingest.errors import NewsIngestError
from ingest.pipeline.indexing.layout_drift import BEFORE, LATEST, LEAST_DOCUMENTS
from ingest.pipeline.indexing.layout_watch import current_alarms
from ingest.polling.report.feed_reporter import alarms_by_feed
from ingest.ports import LayoutAlarm
from ingest.settings.load import Settings


@shows_errors
def drift(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Compare each site's pages of the last day with its 14 days before, and show what changed.

    The index stage does the same once an hour. Exits with status 1 if something changed.
    """
    settings = settings_of(config)
    with opened_index(settings) as index:
        alarms = current_alarms(index.layouts, clock())
    for alarm in alarms:
        if as_json:
            print_json(_plain(alarm))
        else:
            _show(alarm)
    if not alarms and not as_json:
        say(
            f"no site with {LEAST_DOCUMENTS} documents in {LATEST.days * 24} h changed compared "
            f"with the {BEFORE.days} days before"
        )
    if alarms:
        raise typer.Exit(1)


def layout_alarms(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the current alarms by feed id; none, and a message, if the index does not answer."""
    try:
        with opened_index(settings) as index:
            return alarms_by_feed(index.layouts.alarms())
    except NewsIngestError as error:
        show_error(error)
        return {}


def _plain(alarm: LayoutAlarm) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(alarm)
    del plain["raised_at"]  # only the watch of the index stage knows it
    return plain


def _show(alarm: LayoutAlarm) -> None:
    line(alarm.signal, alarm.sentence)
    line("", f"documents: {' '.join(alarm.document_ids)}")
    line("", f"feeds: {' '.join(alarm.feed_ids)}")
