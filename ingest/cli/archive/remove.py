"""`news-ingest remove`: takes one document out of the archive, and keeps it out."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli.archive.forget import DryOption, ReasonOption, decisions_of, report
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    opened_log,
    settings_of,
    shows_errors,
)
from ingest.operations.forget import known_document, take_out


@shows_errors
def remove(
    id: Annotated[str, typer.Argument(help="Document id, as `search` shows it, or its URL.")],
    reason: ReasonOption,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Take one document of the index out, as `forget` does; other addresses of it may come in."""
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index:
        made = decisions_of(known_document(index, id), id, reason)
        report(take_out(settings, log, index, made, is_dry=dry_run), as_json=as_json)
