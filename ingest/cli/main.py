"""The command `news-ingest`."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from ingest import __version__
from ingest.cli.lazy_verbs import group_of

#: In the order of the help; each has its file in this folder.
VERBS = (
    "demo",
    "run",
    "trial",
    "ingest",
    "extract",
    "enrich",
    "evaluate",
    "search",
    "show",
    "revisions",
    "setup",
    "check",
    "status",
    "audit",
    "trace",
    "lag",
    "feeds",
    "dead-letters",
    "replay",
    "secrets",
)

app = typer.Typer(
    name="news-ingest",
    cls=group_of("ingest.cli", VERBS),
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


def main() -> None:
    """Run the command line; a crash shows its traceback without secrets."""
    try:
        app()
    except Exception:  # noqa: BLE001 - a bug; its traceback may quote a secret
        from ingest.masking import masked

        sys.stderr.write(masked(traceback.format_exc()))
        sys.exit(1)


if __name__ == "__main__":
    main()
