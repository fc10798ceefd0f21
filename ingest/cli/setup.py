"""`news-ingest setup`: creates topics, index templates, users and the Kibana objects."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ingest.bootstrap.engines import now, open_index, open_log, retry_until_available
from ingest.cli.context import ConfigOption, settings_of, shows_errors
from ingest.cli.terminal_text import say
from ingest.operations.deployment import fill_kibana, make_users
from ingest.settings.load import Settings


@shows_errors
def setup(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; change nothing.")
    ] = False,
    secrets: Annotated[
        Path | None,
        typer.Option(
            help="Folder of `news-ingest secrets`; create the users whose passwords it contains."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Create or update topics, templates, roles and users; delete nothing.

    If `kibana.url` is set, then wait for Kibana and import config/kibana/.
    """
    settings = settings_of(config)
    timeout = settings.pipeline.worker.start_timeout_seconds
    lines = _engines(settings, secrets, dry_run, timeout)
    done = "would change" if dry_run else "changed"
    for line in (*lines, f"{len(lines)} {done}" if lines else "nothing differs"):
        say(line)
    for line in retry_until_available(lambda: fill_kibana(settings, dry_run=dry_run), timeout):
        say(line)


def _engines(settings: Settings, secrets: Path | None, dry_run: bool, timeout: float) -> list[str]:
    # One client of the index for all tries: it knows that a starting engine refuses its users.
    with (
        closing(retry_until_available(lambda: open_log(settings, applies=False), timeout)) as log,
        closing(open_index(settings)) as index,
    ):

        def apply() -> list[str]:
            """Do what is left: again from the start if an engine goes away in between."""
            if dry_run:
                lines = [*log.differences(settings.topics), *index.differences(now())]
            else:
                lines = [*log.apply(settings.topics), *index.apply(now())]
            users = [] if secrets is None else make_users(settings, secrets, dry_run=dry_run)
            return lines + users

        return retry_until_available(apply, timeout)
