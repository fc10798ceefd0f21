"""`news-ingest feeds import` and `export`: lists of feeds from and for other programs."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec
import typer
from ruamel.yaml import YAML

from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    err,
    out,
    print_json,
    settings_of,
    show_error,
    shows_errors,
)
from ingest.cli.feeds_add import provisional
from ingest.cli.feeds_names import address_key
from ingest.cli.feeds_text import show_table, table_of, table_text
from ingest.errors import ConfigError, FetchFailed, NewsIngestError, SourceError
from ingest.identity import registrable_domain, request_url
from ingest.model import Feed
from ingest.operations.feeds.asking import Asking, asking
from ingest.ports import Fetched, FetchRequest
from ingest.settings.feeds_edit import edit_feeds, with_groups
from ingest.settings.load import Settings
from ingest.settings.yaml_file import plain, read_yaml
from ingest.sources.feeds.opml import (
    MAX_OPML_BYTES,
    Opml,
    OpmlFeed,
    has_credentials,
    read_opml,
    write_opml,
)

#: Lists that one list may include, one level deep.
MAX_INCLUDES = 10
#: What never leaves in an export.
_SECRETS = ("basic_auth", "cookie", "headers")


class Fate(NamedTuple):
    """What became of one outline: added, known or refused."""

    outcome: str
    url: str
    line: int
    reason: str = ""


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("import")(import_)
    app.command("export")(export)


@shows_errors
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.opml", help="The list.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be added; write nothing.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Add all feeds of an OPML list to feeds.yml, without asking them; folders become groups.

    Ends with 1 when some were refused, each told with its reason and line, when the list is cut
    or names no feed; with 2 when nothing could be read.
    """
    settings = settings_of(config)
    try:
        body = _read(file)
        listed = read_opml(body)
        opml, refused = _whole(listed, settings)
        fates = refused + _taken(opml, settings, is_written=not dry_run)
    except NewsIngestError as error:
        show_error(error)
        raise typer.Exit(2) from error
    _tell(fates, file, dry_run, as_json)
    if listed.is_cut:
        err.print(f"{file} ends in the middle: what stood behind is missing",
                  markup=False, highlight=False, soft_wrap=True)  # fmt: skip
    if not fates:
        err.print("the list names no feed: outlines need an xmlUrl", highlight=False)
    if listed.is_cut or not fates or any(fate.outcome == "refused" for fate in fates):
        raise typer.Exit(1)


@shows_errors
def export(
    format: Annotated[Literal["opml", "yaml"], typer.Option(help="opml or yaml.")] = "opml",
    group: Annotated[str, typer.Option(help="Only feeds of this group.")] = "",
    config: ConfigOption = None,
) -> None:
    """Write the feeds to standard output; never secrets."""
    settings = settings_of(config)
    feeds = [feed for feed in settings.feeds.feeds.values() if not group or feed.group == group]
    data = _as_opml(feeds) if format == "opml" else _as_yaml(feeds, settings)
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    err.print(f"{len(feeds)} feeds", highlight=False)
    if settings.feeds.faults:
        raise ConfigError(settings.feeds.faults)


# ── import ──────────────────────────────────────────────────────────────────────────────────


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            body = opened.read(MAX_OPML_BYTES + 1)
    except OSError as error:
        raise NewsIngestError(
            "the list cannot be read", value=error.strerror, origin=str(file),
            remedy="name a readable file",
        ) from error  # fmt: skip
    if len(body) > MAX_OPML_BYTES:
        raise NewsIngestError(
            "the list is too large", value=f"over {MAX_OPML_BYTES} bytes", origin=str(file),
            remedy="split it",
        )  # fmt: skip
    return body


def _whole(opml: Opml, settings: Settings) -> tuple[Opml, list[Fate]]:
    """Give the list with those that it includes, and the fates of includes that could not be had."""
    if not opml.includes:
        return opml, []
    refused = [
        Fate("refused", one.url, one.line, f"over {MAX_INCLUDES} included lists")
        for one in opml.includes[MAX_INCLUDES:]
    ]

    async def ask_all(ask: Asking) -> list[OpmlFeed]:
        feeds: list[OpmlFeed] = []
        for one in opml.includes[:MAX_INCLUDES]:
            try:
                included = read_opml(await _fetched(one.url, ask)).feeds
                feeds += [
                    feed._replace(group=feed.group or one.group, line=one.line) for feed in included
                ]
            except (FetchFailed, SourceError) as error:
                refused.append(Fate("refused", one.url, one.line, f"include: {error.what}"))
        return feeds

    return Opml(opml.feeds + tuple(asking(settings, ask_all)), ()), refused


async def _fetched(url: str, ask: Asking) -> bytes:
    request = FetchRequest(url=url, stage="cli", max_bytes=MAX_OPML_BYTES)
    answer = await ask.tools.fetcher.fetch(request)
    if isinstance(answer, Fetched) and answer.status == 200:
        return answer.body
    said = f"HTTP {answer.status}" if isinstance(answer, Fetched) else answer.reason
    raise SourceError(f"the included list was not given ({said})", kind="not_a_feed", value=url)


def _taken(opml: Opml, settings: Settings, *, is_written: bool) -> list[Fate]:
    known = {address_key(feed.url): feed.id for feed in settings.feeds.feeds.values()}
    fates: list[Fate] = []
    blocks: list[dict[str, Any]] = []
    for feed in opml.feeds:
        url = feed.url.strip()
        reason = _reason_against(url)
        key = address_key(url)
        if reason:
            shown = request_url(url) or url  # without credentials
            fates.append(Fate("refused", shown, feed.line, reason))
        elif key in known:
            fates.append(Fate("known", url, feed.line, f"as {known[key]}"))
        else:
            known[key] = "an earlier outline of this list"
            blocks.append(_block(feed, url))
            fates.append(Fate("added", url, feed.line))
    path = settings.folder / "feeds.yml"
    groups = list(dict.fromkeys(block["group"] for block in blocks if "group" in block))

    def change(text: str) -> str:
        return provisional(path, with_groups(text, groups), blocks)[0]

    if is_written:
        edit_feeds(path, change)
    else:
        change(path.read_text(encoding="utf-8"))
    return fates


def _reason_against(url: str) -> str:
    if has_credentials(url):
        return "its address carries a name or password: add it by hand with `basic_auth`"
    if not url.lower().startswith(("http://", "https://")) or not registrable_domain(url):
        return "no http:// or https:// address"
    return ""


def _block(feed: OpmlFeed, url: str) -> dict[str, Any]:
    block = {"url": url}
    if feed.title and feed.title != url:
        block["publisher"] = feed.title
    if feed.group:
        block["group"] = feed.group
    return block


def _tell(fates: list[Fate], file: Path, dry_run: bool, as_json: bool) -> None:
    if as_json:
        for fate in fates:
            print_json(msgspec.json.encode(fate._asdict()))
        return
    told = [fate for fate in fates if fate.outcome != "added"]
    if told:
        table = table_of("outcome", "line", "reason", "url")
        for fate in told:
            table.add_row(
                fate.outcome, str(fate.line), table_text(fate.reason), table_text(fate.url)
            )
        show_table(table)
    counts = {
        name: sum(1 for fate in fates if fate.outcome == name)
        for name in ("added", "known", "refused")
    }
    done = "would be added" if dry_run else "added"
    out.print(
        f"{file}: {counts['added']} {done}, {counts['known']} known, {counts['refused']} refused",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


# ── export ──────────────────────────────────────────────────────────────────────────────────


def _as_opml(feeds: list[Feed]) -> bytes:
    return write_opml(
        [
            OpmlFeed(_plain_url(feed.url), feed.publisher, _home_of(feed.url), feed.group)
            for feed in feeds
        ],
        "Feeds of news-ingest",
    )


def _as_yaml(feeds: list[Feed], settings: Settings) -> bytes:
    file = read_yaml(settings.folder / "feeds.yml")
    chosen = {feed.url for feed in feeds}
    used = {feed.group for feed in feeds}
    groups = {
        name: _without_secrets(block or {})
        for name, block in (plain(file.data.get("groups")) or {}).items()
        if name in used
    }
    blocks = []
    for block in plain(file.data.get("feeds")) or []:
        data = {"url": block} if isinstance(block, str) else block
        if isinstance(data, dict) and data.get("url") in chosen:
            blocks.append(_without_secrets({**data, "url": _plain_url(str(data["url"]))}))
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump({"groups": groups, "feeds": blocks} if groups else {"feeds": blocks}, stream)
    return stream.getvalue().encode("utf-8")


def _without_secrets(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name not in _SECRETS}


def _plain_url(url: str) -> str:
    return request_url(url) if has_credentials(url) else url


def _home_of(url: str) -> str:
    parts = urlsplit(request_url(url))
    return f"{parts.scheme}://{parts.netloc}/"
