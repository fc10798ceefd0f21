"""`news-ingest init`: makes the settings of a new archive."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ingest.cli.context import shows_errors
from ingest.cli.init.new_config import (
    check_contact,
    chosen,
    make_config,
    new_target,
    public_feeds,
)
from ingest.cli.terminal_text import err, say
from ingest.errors import WrongArgument


@shows_errors
def init(
    folder: Annotated[
        Path, typer.Argument(help="Folder of the archive; made if missing.", show_default="here")
    ] = Path("."),
    contact: Annotated[
        str | None,
        typer.Option(help="Your web page or mail address, shown to the sites that you read."),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(help="Add the public feeds on this topic, such as world; repeat for more."),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(help="Add the public feeds in this language, such as en; repeat for more."),
    ] = None,
) -> None:
    """Write config/ for a new archive: all settings with comments, and the feeds you choose.

    Asks on a terminal for what no option says: a contact address, and which public feeds to
    start with. Contacts nobody, and never changes settings that exist.
    """
    target = new_target(folder)
    is_asked = sys.stdin.isatty()
    if contact is None:
        if not is_asked:
            raise WrongArgument(
                "no terminal to ask for the contact address", origin="--contact",
                remedy="use --contact https://… or --contact name@domain; '' for none",
            )  # fmt: skip
        say(
            "Sites see in each request who asks, so that they can write to you before they block you."
        )
        contact = typer.prompt("Your web page or mail address", default="", show_default=False)
    contact = contact.strip()
    check_contact(contact)
    topics, languages = topic or [], language or []
    feeds = chosen(topics, languages) if topics or languages else []
    if not feeds and is_asked and topic is None and language is None:
        topics = _asked("Topics", [feed.topic for feed in public_feeds()], "none")
        if topics:
            offered = [feed.language for feed in chosen(topics, [])]
            feeds = chosen(topics, _asked("Languages", offered, "all"))
    target.parent.mkdir(parents=True, exist_ok=True)
    make_config(target, contact, feeds)
    say(f"made {target}: {len(feeds)} feeds, contact {contact or 'none'}")
    if not contact:
        say(
            "set `fetching.contact_url` in its pipeline.yml before you read other people's sites",
            err,
        )
    if os.environ.get("NEWS_INGEST_CONFIG"):
        say("NEWS_INGEST_CONFIG names other settings: unset it to use these", err)
    _show_next(folder, bool(feeds))


def _asked(what: str, offered: list[str], empty: str) -> list[str]:
    """Return the names that were typed, of those that are offered."""
    counts = ", ".join(f"{name} {count}" for name, count in sorted(Counter(offered).items()))
    say(f"{what} of public feeds, with how many: {counts}")
    answer = typer.prompt(f"{what}, with commas; empty for {empty}", default="", show_default=False)
    return [name for name in answer.replace(",", " ").split() if name]


def _show_next(folder: Path, has_feeds: bool) -> None:
    say("next:")
    if folder.resolve() != Path.cwd():
        say(f"  cd {folder}")
    if not has_feeds:
        say("  news-ingest feeds add https://…     # a feed, or a page that links to one")
    say("  news-ingest run                     # until Ctrl-C")
    say("  news-ingest search 'some words'")
