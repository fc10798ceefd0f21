"""`news-ingest feeds import`: adds a list of feeds from another program."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from ingest.cli.context import ConfigOption, JsonOption, settings_of, show_error, shows_errors
from ingest.cli.feeds.add import with_checked_feeds
from ingest.cli.feeds.names import address_key
from ingest.cli.terminal_text import err, print_json, print_list, say
from ingest.errors import FetchFailed, NewsIngestError, SourceError
from ingest.identity import registrable_domain, request_url
from ingest.operations.feeds.client import FeedClient, with_feed_client
from ingest.ports import Fetched, FetchRequest
from ingest.settings.feeds_edit import edit_feeds, with_groups
from ingest.settings.load import Settings
from ingest.sources.feeds.opml import MAX_OPML_BYTES, Opml, OpmlFeed, has_credentials, read_opml

#: Maximum number of lists that a list may include; lists within those are not read.
MAX_INCLUDES = 10


class ImportFate(NamedTuple):
    """The outcome of one outline: added, known or refused."""

    outcome: str
    url: str
    line: int
    reason: str = ""


@shows_errors
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.opml", help="The OPML file.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be added; write nothing.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Add all feeds of an OPML list to feeds.yml without contacting them; folders become groups.

    Exits with status 1 if some were refused (each is printed with its reason and line), or if the
    list is cut off or has no feeds; with 2 if it could not be read.
    """
    settings = settings_of(config)
    try:
        body = _read(file)
        listed = read_opml(body)
        opml, refused = _with_includes(listed, settings)
        fates = refused + _add_feeds(opml, settings, is_written=not dry_run)
    except NewsIngestError as error:
        show_error(error)
        raise typer.Exit(2) from error
    _report(fates, file, dry_run, as_json)
    if listed.is_cut:
        say(f"{file} is cut off: the rest is missing", err)
    if not fates:
        say("the list has no feeds: outlines need an xmlUrl", err)
    if listed.is_cut or not fates or any(fate.outcome == "refused" for fate in fates):
        raise typer.Exit(1)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            body = opened.read(MAX_OPML_BYTES + 1)
    except OSError as error:
        raise NewsIngestError(
            "the list cannot be read", value=error.strerror, origin=str(file),
            remedy="give a readable file",
        ) from error  # fmt: skip
    if len(body) > MAX_OPML_BYTES:
        raise NewsIngestError(
            "the list is too large", value=f"over {MAX_OPML_BYTES} bytes", origin=str(file),
            remedy="split it",
        )  # fmt: skip
    return body


def _with_includes(opml: Opml, settings: Settings) -> tuple[Opml, list[ImportFate]]:
    """Return the list with the lists it includes, and the fates of includes that were not read."""
    if not opml.includes:
        return opml, []
    refused = [
        ImportFate("refused", one.url, one.line, f"over {MAX_INCLUDES} included lists")
        for one in opml.includes[MAX_INCLUDES:]
    ]

    async def ask_all(client: FeedClient) -> list[OpmlFeed]:
        feeds: list[OpmlFeed] = []
        for one in opml.includes[:MAX_INCLUDES]:
            try:
                included = read_opml(await _fetched(one.url, client)).feeds
                feeds += [
                    feed._replace(group=feed.group or one.group, line=one.line) for feed in included
                ]
            except (FetchFailed, SourceError) as error:
                refused.append(ImportFate("refused", one.url, one.line, f"include: {error.what}"))
        return feeds

    return Opml(opml.feeds + tuple(with_feed_client(settings, ask_all)), ()), refused


async def _fetched(url: str, client: FeedClient) -> bytes:
    request = FetchRequest(url=url, stage="cli", max_bytes=MAX_OPML_BYTES)
    answer = await client.tools.fetcher.fetch(request)
    if isinstance(answer, Fetched) and answer.status == 200:
        return answer.body
    reason = f"HTTP {answer.status}" if isinstance(answer, Fetched) else answer.reason
    raise SourceError(f"cannot fetch the included list ({reason})", kind="not_a_feed", value=url)


def _add_feeds(opml: Opml, settings: Settings, *, is_written: bool) -> list[ImportFate]:
    known = {address_key(feed.url): feed.id for feed in settings.feeds.feeds.values()}
    fates: list[ImportFate] = []
    blocks: list[dict[str, Any]] = []
    for feed in opml.feeds:
        url = feed.url.strip()
        reason = _refusal(url)
        key = address_key(url)
        if reason:
            shown = request_url(url) or url  # without credentials
            fates.append(ImportFate("refused", shown, feed.line, reason))
        elif key in known:
            fates.append(ImportFate("known", url, feed.line, f"as {known[key]}"))
        else:
            known[key] = "an earlier outline of this list"
            blocks.append(_block(feed, url))
            fates.append(ImportFate("added", url, feed.line))
    path = settings.folder / "feeds.yml"
    groups = list(dict.fromkeys(block["group"] for block in blocks if "group" in block))

    def change(text: str) -> str:
        return with_checked_feeds(path, with_groups(text, groups), blocks)[0]

    if is_written:
        edit_feeds(path, change)
    else:
        change(path.read_text(encoding="utf-8"))
    return fates


def _refusal(url: str) -> str:
    if has_credentials(url):
        return "its address contains a username or password: add it by hand with `basic_auth`"
    if not url.lower().startswith(("http://", "https://")) or not registrable_domain(url):
        return "not an http:// or https:// address"
    return ""


def _block(feed: OpmlFeed, url: str) -> dict[str, Any]:
    block = {"url": url}
    if feed.title and feed.title != url:
        block["publisher"] = feed.title
    if feed.group:
        block["group"] = feed.group
    return block


def _report(fates: list[ImportFate], file: Path, dry_run: bool, as_json: bool) -> None:
    if as_json:
        for fate in fates:
            print_json(fate._asdict())
        return
    rows = [
        (fate.outcome, fate.line, fate.reason, fate.url)
        for fate in fates
        if fate.outcome != "added"
    ]
    if rows:
        print_list(("outcome", "line", "reason", "url"), rows)
    counts = Counter(fate.outcome for fate in fates)
    done = "would be added" if dry_run else "added"
    say(f"{file}: {counts['added']} {done}, {counts['known']} known, {counts['refused']} refused")
