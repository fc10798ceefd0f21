"""Groups of verbs, each in the file of its name, which is imported when the verb is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from keyword import iskeyword
from typing import Any, cast

import typer
from typer.core import TyperGroup


def group_of(package: str, verbs: tuple[str, ...]) -> type[TyperGroup]:
    """Return the class of a group whose verbs are files of this package, in the order of the help.

    A verb in a folder of the package has the folder before it: `archive.search`. A file (or a folder of that name) holds its verb as a function of the same name, with a `_`
    after it where Python or a library uses the name, and optionally the text below its help as
    `EPILOG`; or it holds a group of verbs as `app`.
    """

    class Verbs(TyperGroup):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            # typer only reads it, so a Mapping does.
            self.commands = cast(MutableMapping[str, Any], _Loaded(package, verbs))

    return Verbs


def file_of(verb: str) -> str:
    """Return the name of a verb's file, without its suffix."""
    return f"{verb}_" if iskeyword(verb) else verb.replace("-", "_")


class _Loaded(Mapping[str, Any]):
    """The commands by name; looking one up imports its file."""

    def __init__(self, package: str, verbs: tuple[str, ...]) -> None:
        self._modules = {verb.rpartition(".")[2]: f"{package}.{file_of(verb)}" for verb in verbs}
        self._commands: dict[str, Any] = dict.fromkeys(self._modules)

    def __getitem__(self, name: str) -> Any:
        if self._commands[name] is None:
            file = file_of(name)
            module = import_module(self._modules[name])
            app = typer.Typer(rich_markup_mode="rich")
            if hasattr(module, "app"):
                app.add_typer(module.app, name=name)
            else:
                verb = getattr(module, f"{file}_", None) or getattr(module, file)
                app.command(name, epilog=getattr(module, "EPILOG", None))(verb)
            self._commands[name] = typer.main.get_group(app).commands[name]
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)
