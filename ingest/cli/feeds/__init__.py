"""`news-ingest feeds`: manages the feeds that are polled."""

from __future__ import annotations

import typer

from ingest.cli.lazy_verbs import group_of

#: In the order of the help; each has its file in this folder.
VERBS = (
    "list",
    "status",
    "poll",
    "drift",
    "add",
    "remove",
    "test",
    "discover",
    "import",
    "export",
    "backfill",
    "confirm",
)

app = typer.Typer(
    cls=group_of("ingest.cli.feeds", VERBS),
    help="The feeds of config/feeds.yml.",
    no_args_is_help=True,
)
