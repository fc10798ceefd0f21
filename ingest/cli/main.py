"""The command `news-ingest`: all verbs, one file per group, each loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from ingest import __version__

#: Each verb, or group of verbs, in the order of the help, and its module in this folder. A module
#: has `register(app)`; that of a group has its `app`.
VERBS = {
    "demo": "demo",
    "run": "run",
    "ingest": "files",
    "extract": "extract",
    "search": "search",
    "show": "search",
    "revisions": "revisions",
    "setup": "setup",
    "check": "check",
    "audit": "accounts",
    "trace": "accounts",
    "lag": "accounts",
    "feeds": "feeds",
    "dead-letters": "dead_letters",
    "replay": "replay",
    "secrets": "secrets",
}


class _Loaded(Mapping[str, Any]):
    """The commands by their names; looking one up imports its module."""

    def __init__(self) -> None:
        self._commands: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._commands:
            module = import_module(f"ingest.cli.{VERBS[name]}")
            app = typer.Typer(rich_markup_mode="rich")
            if hasattr(module, "register"):
                module.register(app)
            else:
                app.add_typer(module.app, name=name)
            self._commands[name] = typer.main.get_group(app).commands[name]
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


class _Verbs(TyperGroup):
    """The root of the command line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = cast(MutableMapping[str, Any], _Loaded())  # nothing is added to it


app = typer.Typer(
    name="news-ingest",
    cls=_Verbs,
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
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
