"""`news-ingest feeds remove`: deletes a feed's block from feeds.yml."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ingest.cli.context import ConfigOption, JsonOption, settings_of, shows_errors
from ingest.cli.feeds.names import feed_named
from ingest.cli.terminal_text import print_json, say
from ingest.errors import UnknownName
from ingest.identity import feed_id_of_url
from ingest.model import Feed
from ingest.settings.feeds_edit import edit_feeds, listed_feeds, without_feed


@shows_errors
def remove(
    name: Annotated[str, typer.Argument(metavar="ID|URL", help="The feed: its id or address.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed; write nothing.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Remove a feed from feeds.yml; its articles stay.

    To pause a feed, write `enabled: false` in its block instead.
    """
    settings = settings_of(config)
    feed = feed_named(settings, name)
    path = settings.folder / "feeds.yml"

    def change(text: str) -> str:
        return without_feed(text, _place(listed_feeds(text), feed))

    if dry_run:
        change(path.read_text(encoding="utf-8"))
    else:
        edit_feeds(path, change)
    if as_json:
        print_json({"removed": not dry_run, "id": feed.id, "url": feed.url})
        return
    done = "would be removed" if dry_run else "removed"
    say(f"{feed.id} {done}: {feed.url} ({feed.publisher}); its articles stay")


def _place(blocks: list[Any], feed: Feed) -> int:
    for number, block in enumerate(blocks):
        data = {"url": block} if isinstance(block, str) else block
        if not isinstance(data, dict):
            continue
        url = str(data.get("url") or "")
        if (data.get("id") or feed_id_of_url(url)) == feed.id:
            return number
    raise UnknownName("the feed is no longer in the file", value=feed.id, remedy="check the file")
