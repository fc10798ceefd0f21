"""`news-ingest feeds`: what is polled."""

from __future__ import annotations

import msgspec
import typer
from rich.table import Table

from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    out,
    print_json,
    settings_of,
    shows_errors,
)
from ingest.errors import ConfigError
from ingest.settings.feeds import read_feeds
from ingest.settings.live_feeds import accepted_path, remember, removed_feeds

app = typer.Typer(help="The feeds of config/feeds.yml.", no_args_is_help=True)


@app.command("list")
@shows_errors
def list_(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the feeds as they are configured."""
    settings = settings_of(config)
    feeds = settings.feeds.feeds.values()
    if as_json:
        for feed in feeds:
            fields = {
                name: getattr(feed, name)
                for name in ("id", "url", "publisher", "group", "language", "enabled")
            }
            print_json(msgspec.json.encode(fields))
    else:
        table = Table("id", "publisher", "language", "group", "url")
        for feed in feeds:
            mark = "" if feed.enabled else " (paused)"
            table.add_row(feed.id, feed.publisher, feed.language, feed.group, feed.url + mark)
        out.print(table)
    if settings.feeds.faults:
        raise ConfigError(settings.feeds.faults)


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
