"""What every verb shares: the settings, the console, and how errors are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from ingest import telemetry
from ingest.bootstrap.engines import checked_settings, open_index, open_log
from ingest.errors import ConfigError, NewsIngestError
from ingest.ports import Index, Log
from ingest.settings.load import Settings, config_folder, load

Verb = TypeVar("Verb", bound=Callable[..., Any])

#: Control characters, and the signs that turn the direction of writing.
_STEERING = {
    **dict.fromkeys((*range(10), *range(11, 32), *range(127, 160)), " "),
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), ""),
}

out = Console()
err = Console(stderr=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Folder of the settings (NEWS_INGEST_CONFIG, else ./config)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output, nothing else.")]


def shows_errors(verb: Verb) -> Verb:
    """Make a verb end with one clear message and the exit code of what went wrong."""

    @wraps(verb)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return verb(*args, **kwargs)
        except ConfigError as error:
            err.print(labelled("error", error.what, "bold red"), soft_wrap=True)
            raise typer.Exit(error.exit_code) from error
        except NewsIngestError as error:
            show_error(error)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError as error:
            sys.stderr.close()
            raise typer.Exit(0) from error

    return guarded  # type: ignore[return-value]


def show_error(error: NewsIngestError) -> None:
    """Print an error on standard error: what, which value, from where, what to do."""
    err.print(labelled("error", error.what, "bold red"), soft_wrap=True)
    for label, value in (
        ("value", error.value),
        ("from", error.origin),
        ("to do", error.remedy),
    ):
        if value is not None:
            err.print(labelled(f"  {label}", value, "bold"), soft_wrap=True)


def settings_of(config: Path | None) -> Settings:
    """Give the settings for a verb that only reads log and index. Errors: ConfigError."""
    telemetry.configure("cli", stream=sys.stderr, level="warning")
    return load(config_folder(config))


def whole_settings_of(config: Path | None, stage: str = "") -> Settings:
    """Give the settings, processors and feeds checked too, or those of one stage.

    Errors: ConfigError.
    """
    return checked_settings(config_folder(config), stage)


@contextmanager
def opened_log(settings: Settings) -> Iterator[Log]:
    """Give the log, closed afterwards."""
    log = open_log(settings)
    try:
        yield log
    finally:
        log.close()


@contextmanager
def opened_index(settings: Settings) -> Iterator[Index]:
    """Give the index, closed afterwards."""
    index = open_index(settings)
    try:
        yield index
    finally:
        index.close()


def print_json(text: bytes | str) -> None:
    """Write one line of JSON to standard output, untouched by any formatting."""
    line = text.decode() if isinstance(text, bytes) else text
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def shown(text: object) -> Text:
    """Give words of strangers as a terminal may show them: no markup, no signs that steer it.

    Ends of lines stay.
    """
    return Text(str(text).translate(_STEERING))


def labelled(label: str, value: object, style: str) -> Text:
    """Give a line of a label in this style and words of strangers."""
    return Text.assemble((f"{label}:", style), " ", shown(value))
