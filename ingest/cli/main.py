"""The command `news-ingest`: all verbs, one file per group."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest import __version__
from ingest.cli import (
    accounts,
    check,
    dead_letters,
    demo,
    feeds,
    files,
    run,
    search,
    secrets,
    setup,
)

app = typer.Typer(
    name="news-ingest",
    help="Feeds in, a searchable news archive out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"news-ingest {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Feeds in, a searchable news archive out."""


for module in (demo, run, files, search, setup, check, accounts):
    module.register(app)
app.add_typer(feeds.app, name="feeds")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(secrets.app, name="secrets")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
