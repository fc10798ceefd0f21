"""`news-ingest setup`: topics, index templates, users and the Kibana pack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ingest.bootstrap.engines import now, open_index, open_log, patient
from ingest.cli.context import ConfigOption, out, settings_of, shows_errors
from ingest.operations.deployment import fill_kibana, make_users
from ingest.settings.load import Settings


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("setup")(setup)


@shows_errors
def setup(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; change nothing.")
    ] = False,
    secrets: Annotated[
        Path | None,
        typer.Option(
            help="Folder of `news-ingest secrets`: make the users whose passwords it has."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Create and alter topics, templates, roles and users until nothing differs; delete nothing.

    Then, where `kibana.url` is set, wait for Kibana and import config/kibana/.
    """
    settings = settings_of(config)
    lines = _engines(settings, dry_run)
    if secrets is not None:
        lines += make_users(settings, secrets, dry_run=dry_run)
    _tell(lines)
    done = "would change" if dry_run else "changed"
    out.print(f"{len(lines)} {done}" if lines else "nothing differs", highlight=False)
    _tell(fill_kibana(settings, dry_run=dry_run))


def _engines(settings: Settings, dry_run: bool) -> list[str]:
    timeout = settings.pipeline.worker.start_timeout_seconds
    log = patient(lambda: open_log(settings, applies=False), timeout)
    index = patient(lambda: open_index(settings), timeout)
    try:
        if dry_run:
            return [*log.differences(settings.topics), *index.differences(now())]
        return [*log.apply(settings.topics), *index.apply(now())]
    finally:
        index.close()
        log.close()


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        out.print(line, highlight=False, soft_wrap=True)
