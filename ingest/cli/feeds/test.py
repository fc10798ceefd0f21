"""`news-ingest feeds test`: shows what would be indexed of a feed, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ingest.cli.context import ConfigOption, JsonOption, settings_of, shows_errors
from ingest.cli.feeds.list import states_or_none
from ingest.cli.feeds.names import feed_named
from ingest.cli.feeds.report import (
    listing_of_trial,
    poll_data,
    show_entries,
    show_trial,
    show_verdict,
    size,
    warnings_of,
)
from ingest.cli.terminal_text import err, line, out, print_json, say
from ingest.errors import ConfigError, UnknownName
from ingest.identity import feed_id_of_url, registrable_domain
from ingest.model import Feed
from ingest.operations.feeds.client import FeedClient, with_feed_client
from ingest.operations.feeds.files import FILE_TIMEOUT_SECONDS, FileReport, file_reports
from ingest.polling.trial.feed_trial import try_feed
from ingest.polling.trial.outlook import outlook_of
from ingest.settings.load import Settings
from ingest.settings.options import PollingOptions

GOOD, WARNING, BAD = "good", "warning", "bad"


@shows_errors
def test(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="URL|FILE...",
            help="Addresses, names of configured feeds, files, or folders of files.",
            show_default=False,
        ),
    ],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what would be indexed from feeds, and why, with timings; change nothing.

    With --json it prints one line per input, in input order. Exits with status 2 if no input is a
    feed, and with 1 if some are not or something is unusual.
    """
    states: list[str] = []
    for is_asked, group in groupby(_expanded(inputs), key=lambda name: _is_asked(name, config)):
        if is_asked:
            states += [_try_address(name, as_json, config) for name in group]
        else:
            states += _files(list(group), as_json, config)
    if not states:
        say("no files in this folder", err)
    if len(states) > 1 and not as_json:
        say(_summary(states))
    if all(state == BAD for state in states):
        raise typer.Exit(2)
    if any(state != GOOD for state in states):
        raise typer.Exit(1)


def _summary(states: list[str]) -> str:
    counts = [f"{states.count(state)} {state}" for state in (GOOD, WARNING, BAD)]
    return f"{len(states)} inputs: {', '.join(counts)}".replace(WARNING, "with warnings")


def _expanded(inputs: list[str]) -> Iterator[str]:
    for name in inputs:
        if not os.path.isdir(name):
            yield name
            continue
        for folder, folders, files in os.walk(name):
            folders.sort()
            yield from (os.path.join(folder, file) for file in sorted(files))


def _is_asked(name: str, config: Path | None) -> bool:
    """Return whether an input is an address or a configured feed, not a file."""
    if name.lower().startswith(("http://", "https://")):
        return True
    if os.path.lexists(name):
        return False
    try:
        feed_named(settings_of(config), name)
    except (ConfigError, UnknownName):
        return False
    return True


def _files(paths: list[str], as_json: bool, config: Path | None) -> Iterator[str]:
    options = _options(config)
    reports = file_reports(
        paths,
        max_bytes=options.max_feed_bytes,
        as_json=as_json,
        timeout_seconds=max(FILE_TIMEOUT_SECONDS, options.parse_timeout_seconds),
    )
    for report in reports:
        if as_json:
            print_json(report.line)
        else:
            _show_file(report)
        yield _state(report.listing.format, list(report.listing.problems))


def _options(config: Path | None) -> PollingOptions:
    """Return the polling options; the defaults where there are no settings."""
    try:
        return settings_of(config).pipeline.polling
    except ConfigError:
        if config is not None:
            raise
        return PollingOptions()


def _show_file(report: FileReport) -> None:
    listing = report.listing
    line("file", f"{listing.input}  {size(report.size)}  {report.seconds:.2f} s")
    if not listing.format:
        line("verdict", f"bad: {'; '.join(listing.problems)}")
    else:
        line("format", f"{listing.format}, {listing.title[:100]!r}")
        show_entries(listing, report.counts)
        show_verdict(list(listing.problems))
    out.print()


def _try_address(name: str, as_json: bool, config: Path | None) -> str:
    settings = settings_of(config)
    feed = _feed(name, settings)
    return with_feed_client(settings, lambda client: _try(name, feed, settings, as_json, client))


def _feed(name: str, settings: Settings) -> Feed:
    try:
        return feed_named(settings, name)
    except UnknownName:  # an address that is not configured
        return Feed(id=feed_id_of_url(name), url=name, publisher=registrable_domain(name))


async def _try(name: str, feed: Feed, settings: Settings, as_json: bool, client: FeedClient) -> str:
    trial = await try_feed(feed, client.tools)
    listing = listing_of_trial(name, trial)
    states, _ = states_or_none(settings) if trial.fault is None else ({}, True)
    outlook = outlook_of(trial, settings.feeds.feeds, states, settings.pipeline.polling)
    if as_json:
        plain = msgspec.to_builtins(listing, builtin_types=())
        print_json(plain | {"poll": poll_data(trial, outlook)})
    else:
        show_trial(trial, listing, outlook, client)
        out.print()
    return _state(listing.format, warnings_of(trial, listing))


def _state(format: str, problems: list[str]) -> str:
    if not format:
        return BAD
    return WARNING if problems else GOOD
