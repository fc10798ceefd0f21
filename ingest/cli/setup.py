"""`news-ingest setup`: topics, index templates and the Kibana pack."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.bootstrap.engines import now, open_index, open_log, patient
from ingest.cli.context import ConfigOption, out, settings_of, shows_errors


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("setup")(setup)


@shows_errors
def setup(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; change nothing.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Create and alter topics and index templates until nothing differs; delete nothing."""
    settings = settings_of(config)
    timeout = settings.pipeline.worker.start_timeout_seconds
    log = patient(lambda: open_log(settings, applies=False), timeout)
    index = patient(lambda: open_index(settings), timeout)
    try:
        if dry_run:
            lines = [*log.differences(settings.topics), *index.differences(now())]
        else:
            lines = [*log.apply(settings.topics), *index.apply(now())]
    finally:
        index.close()
        log.close()
    for line in lines:
        out.print(line, highlight=False, soft_wrap=True)
    done = "would change" if dry_run else "changed"
    out.print(f"{len(lines)} {done}" if lines else "nothing differs", highlight=False)
