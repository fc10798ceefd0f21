"""`news-ingest feeds export`: writes the feeds as a list for other programs."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal

import typer

from ingest.cli.context import ConfigOption, settings_of, shows_errors
from ingest.cli.terminal_text import err, out, say
from ingest.errors import ConfigError
from ingest.identity import origin_of, request_url
from ingest.model import Feed
from ingest.settings.feeds_edit import dumped
from ingest.settings.load import Settings
from ingest.settings.yaml_file import read_yaml
from ingest.sources.feeds.opml import OpmlFeed, has_credentials, write_opml

#: Options that are never exported.
_SECRETS = ("basic_auth", "cookie", "headers", "proxy")


@shows_errors
def export(
    format: Annotated[Literal["opml", "yaml"], typer.Option(help="opml or yaml.")] = "opml",
    group: Annotated[str, typer.Option(help="Only feeds of this group.")] = "",
    config: ConfigOption = None,
) -> None:
    """Write the feeds to standard output.

    Without passwords, cookies, headers and proxies; keys in the query of an address are part of it.
    """
    settings = settings_of(config)
    feeds = [feed for feed in settings.feeds.feeds.values() if not group or feed.group == group]
    data = _as_opml(feeds) if format == "opml" else _as_yaml(feeds, settings)
    if out.is_terminal:
        say(data.decode(), masks=False)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    say(f"{len(feeds)} feeds", err)
    if settings.feeds.faults:
        raise ConfigError(settings.feeds.faults)


def _as_opml(feeds: list[Feed]) -> bytes:
    listed = [
        OpmlFeed(_plain_url(feed.url), feed.publisher, f"{origin_of(feed.url)}/", feed.group)
        for feed in feeds
    ]
    return write_opml(listed, "Feeds of news-ingest")


def _as_yaml(feeds: list[Feed], settings: Settings) -> bytes:
    file = read_yaml(settings.folder / "feeds.yml")
    chosen = {feed.url for feed in feeds}
    used = {feed.group for feed in feeds}
    groups = {
        name: _without_secrets(block or {})
        for name, block in (file.data.get("groups") or {}).items()
        if name in used
    }
    blocks = []
    for block in file.data.get("feeds") or []:
        data = {"url": block} if isinstance(block, str) else block
        if isinstance(data, dict) and data.get("url") in chosen:
            blocks.append(_without_secrets({**data, "url": _plain_url(str(data["url"]))}))
    return dumped({**({"groups": groups} if groups else {}), "feeds": blocks}).encode("utf-8")


def _without_secrets(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name not in _SECRETS}


def _plain_url(url: str) -> str:
    return request_url(url) if has_credentials(url) else url
