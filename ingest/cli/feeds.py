"""`news-ingest feeds`: what is polled."""

from __future__ import annotations

import typer

from ingest.cli import (
    feeds_add,
    feeds_backfill,
    feeds_drift,
    feeds_exchange,
    feeds_find,
    feeds_list,
    feeds_remove,
    feeds_status,
    feeds_try,
)
from ingest.cli.context import ConfigOption, out, settings_of, shows_errors
from ingest.errors import ConfigError
from ingest.settings.feeds import read_feeds
from ingest.settings.live_feeds import accepted_path, remember, removed_feeds

app = typer.Typer(help="The feeds of config/feeds.yml.", no_args_is_help=True)

for module in (
    feeds_list,
    feeds_status,
    feeds_drift,
    feeds_add,
    feeds_remove,
    feeds_try,
    feeds_find,
    feeds_exchange,
    feeds_backfill,
):
    module.register(app)


@app.command("confirm")
@shows_errors
def confirm(config: ConfigOption = None) -> None:
    """Accept config/feeds.yml as it is, also where it removes many feeds."""
    settings = settings_of(config)
    if settings.feeds.faults:
        raise ConfigError(settings.feeds.faults)
    path = accepted_path(settings.folder)
    before = read_feeds(path).feeds if path.exists() else {}
    removed = removed_feeds(before, settings.feeds)
    text = (settings.folder / "feeds.yml").read_text(encoding="utf-8")
    remember(path, text)
    out.print(
        f"{len(settings.feeds.feeds)} feeds accepted; {len(removed)} removed, whose articles stay"
    )
