"""What verbs share: options, settings, the opened log and index, and the display of errors."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ingest import telemetry
from ingest.bootstrap.engines import checked_settings, open_index, open_log
from ingest.cli.terminal_text import err, labelled, say
from ingest.errors import ConfigError, NewsIngestError
from ingest.ports import Index, Log
from ingest.settings.load import Settings, config_folder, load

Verb = TypeVar("Verb", bound=Callable[..., Any])

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Settings folder (default: NEWS_INGEST_CONFIG, else ./config)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]


def shows_errors(verb: Verb) -> Verb:
    """Make a verb print its errors as one clear message and set the exit status."""

    @wraps(verb)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return verb(*args, **kwargs)
        except ConfigError as error:
            say(labelled("error", error.what, "bold red"), err)
            raise typer.Exit(error.exit_code) from error
        except NewsIngestError as error:
            show_error(error)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError as error:
            sys.stderr.close()
            raise typer.Exit(0) from error
        except OSError as error:
            if error.filename is None:
                raise
            remedy = "check the path, and that this user may read and write it"
            show_error(NewsIngestError(error.strerror or "", value=error.filename, remedy=remedy))
            raise typer.Exit(2) from error

    return guarded  # type: ignore[return-value]


def show_error(error: NewsIngestError) -> None:
    """Print an error on standard error: what failed, on which value, from where, what to do."""
    say(labelled("error", error.what, "bold red"), err)
    for label, value in (("value", error.value), ("from", error.origin), ("to do", error.remedy)):
        if value is not None:
            say(labelled(f"  {label}", value, "bold"), err)


def settings_of(config: Path | None) -> Settings:
    """Return the settings for a verb that only reads log and index. Errors: ConfigError."""
    telemetry.configure("cli", stream=sys.stderr, level="warning")
    return load(config_folder(config))


def optional_settings_of(config: Path | None, *, is_needed: bool = False) -> Settings | None:
    """Return the settings; None when there are none and no `config` or variable names some.

    Errors: ConfigError.
    """
    is_named = config is not None or bool(os.environ.get("NEWS_INGEST_CONFIG"))
    return settings_of(config) if is_named or is_needed or Path("config").is_dir() else None


def whole_settings_of(config: Path | None, stage: str = "") -> Settings:
    """Return the settings, with the processors and feeds of all stages, or of one, checked too.

    Errors: ConfigError.
    """
    return checked_settings(config_folder(config), stage)


def opened_log(settings: Settings) -> closing[Log]:
    """Return the log, closed at the end of a `with` block."""
    return closing(open_log(settings))


def opened_index(settings: Settings) -> closing[Index]:
    """Return the index, closed at the end of a `with` block."""
    return closing(open_index(settings))


def this_user() -> str:
    """Return the name of the person at the keyboard, for the record; "unknown" without one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
