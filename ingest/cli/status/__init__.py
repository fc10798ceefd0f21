"""`news-ingest status`: shows on one screen how the pipeline is."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.live import Live

from ingest.cli.context import ConfigOption, JsonOption, settings_of, shows_errors
from ingest.cli.status.screen import PAUSE_SECONDS, screen
from ingest.cli.terminal_text import out, print_json
from ingest.operations.status import ANSWER_SECONDS, Looker


@shows_errors
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Look again until Ctrl-C.")] = False,
    timeout: Annotated[
        float, typer.Option(help="Seconds to wait for the log and the index.")
    ] = ANSWER_SECONDS,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how the pipeline is: stages, servers, waiting records, failures, feeds, disks.

    Exits with status 0 if all is well, with 1 if there is something to look at, and with 2 if a
    stage is held, stuck or down, or if the log or the index does not answer.
    """
    looker = Looker(settings_of(config))
    found = looker.look(timeout)
    if watch and not as_json:
        with Live(screen(found), console=out, auto_refresh=False) as live:
            while True:
                time.sleep(PAUSE_SECONDS)
                live.update(screen(looker.look(timeout)), refresh=True)
    print_json(found) if as_json else out.print(screen(found))
    while watch:
        time.sleep(PAUSE_SECONDS)
        print_json(looker.look(timeout))
    raise typer.Exit(found.exit_status)
