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
    "init",
    "demo",
    "run",
    "trial",
    "ingest",
    "extract",
    "enrich",
    "evaluate",
    "archive.search",
    "archive.show",
    "archive.revisions",
    "archive.entities",
    "archive.forget",
    "archive.remove",
    "setup",
    "check",
    "status",
    "archive.audit",
    "archive.trace",
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
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(is_asked: bool) -> None:
    if is_asked:
        from ingest.bootstrap.engines import schema_versions

        typer.echo(f"news-ingest {__version__}")
        for part, version in schema_versions().items():
            typer.echo(f"{part}: {version}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Show the version, and those of what it stores.",
        ),
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
