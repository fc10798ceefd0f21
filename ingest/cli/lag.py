"""`news-ingest lag`: shows how far each stage is behind."""

from __future__ import annotations

from ingest.cli.context import ConfigOption, JsonOption, opened_log, settings_of, shows_errors
from ingest.cli.terminal_text import print_json, print_table
from ingest.records.stage_plan import plans


@shows_errors
def lag(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show how far behind each stage is, and how many workers it has."""
    settings = settings_of(config)
    rows = []
    with opened_log(settings) as log:
        for plan in plans(settings.pipeline):
            if not plan.inputs:
                continue
            names = ("waiting", "waiting_in_retries", "waiting_in_backfill")
            waiting = {
                name: sum(one.records for one in log.lag(plan.group, topics))
                for name, topics in zip(names, plan.queues.values(), strict=True)
            }
            who = {"stage": plan.name, "group": plan.group, "workers": log.members(plan.group)}
            rows.append(who | waiting)
    if as_json:
        print_json(rows)
        return
    columns = ("stage", "group", "workers", "waiting", "waiting for retry", "waiting in backfill")
    print_table(columns, [row.values() for row in rows])
