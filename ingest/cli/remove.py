"""`news-ingest remove`: takes one document out of the archive, and keeps it out."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    opened_log,
    settings_of,
    shows_errors,
)
from ingest.cli.forget import DryOption, ReasonOption, take_out
from ingest.operations.forget import known_document


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
        wanted = known_document(index, id)
        take_out(settings, log, index, wanted, id, reason, is_dry=dry_run, as_json=as_json)
