"""`news-ingest feeds poll`: asks the running poller to poll a feed now."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from ingest import wire
from ingest.bootstrap.engines import now as clock
from ingest.cli.context import ConfigOption, JsonOption, opened_log, settings_of, shows_errors
from ingest.cli.feeds.names import feed_named
from ingest.cli.terminal_text import err, print_json, say
from ingest.errors import NewsIngestError
from ingest.identity import registrable_domain
from ingest.model import Feed
from ingest.records.appending import append_all
from ingest.records.outputs import REQUEST, feed_record
from ingest.records.stage_plan import plans
from ingest.settings.load import Settings

_FLUSH_SECONDS = 10.0


@shows_errors
def poll(
    name: Annotated[str, typer.Argument(help="The feed: its id, address or publisher.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask the running poller to poll a feed now; the gap and rest of its host still apply.

    Exits with status 1 if no poller is running; the feed is polled when one starts.
    """
    settings = settings_of(config)
    feed = feed_named(settings, name)
    if not feed.enabled:
        raise NewsIngestError(
            "the feed is paused", value=feed.id, origin=str(settings.folder / "feeds.yml"),
            remedy="remove `enabled: false` from its block",
        )  # fmt: skip
    pollers = _request(feed, settings)
    if as_json:
        print_json({"requested": True, "id": feed.id, "url": feed.url, "pollers": pollers})
    else:
        say(f"{feed.id} will be polled now: {feed.url}")
    if not pollers:
        say("warning: no poller is running; the poll waits for `news-ingest run`", err)
        raise typer.Exit(1)


def _request(feed: Feed, settings: Settings) -> int:
    """Append the request and return the number of pollers that will read it."""
    now, domain = clock(), registrable_domain(feed.url)
    value = wire.encode({"at": now.isoformat()})
    request = feed_record(feed.id, REQUEST, value, domain, "cli", now)
    stage = next((plan for plan in plans(settings.pipeline) if plan.kind == "poll"), None)
    with opened_log(settings) as log:
        with closing(log.appender()) as appender:
            append_all(appender, [request], _FLUSH_SECONDS)
        return log.members(stage.group) if stage is not None else 0
