"""`news-ingest secrets`: makes, shows and renews the passwords of a deployment."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ingest.cli.context import JsonOption, settings_of, shows_errors
from ingest.cli.terminal_text import err, print_json, say
from ingest.errors import IndexUnavailable, NewsIngestError
from ingest.operations.deployment import can_log_in, renew_password
from ingest.settings.passwords import ADMIN, ANALYST, make_passwords, password_of

AdminOption = Annotated[bool, typer.Option("--admin", help="The administrator's login.")]

app = typer.Typer(help="The passwords of a deployment.", no_args_is_help=True)


@app.callback()
def _folder(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Folder of the passwords.")] = Path("var/secrets"),
) -> None:
    """Make the passwords of a deployment, and show the analyst's login."""
    context.obj = folder


@app.command("make")
@shows_errors
def make(context: typer.Context) -> None:
    """Generate the passwords that are missing; keep the others."""
    for line in make_passwords(context.obj, os.environ):
        say(line)


@app.command("show")
@shows_errors
def show(
    context: typer.Context,
    admin: AdminOption = False,
    address: Annotated[
        str, typer.Option(help="Address of Kibana.", envvar="KIBANA_ADDRESS")
    ] = "http://localhost:5601",
    as_json: JsonOption = False,
) -> None:
    """Print the login for Kibana, unless Elasticsearch refuses it."""
    secret = ADMIN if admin else ANALYST
    password = password_of(context.obj, secret)
    try:
        if not can_log_in(settings_of(None), secret.user, password):
            raise NewsIngestError(
                f"the password of {secret.user} was changed after it was made, and is not known",
                origin=str(context.obj / secret.file),
                remedy="make a new one with `news-ingest secrets renew`: docs/operations.md",
            )
    except IndexUnavailable as error:
        say(f"not tried, since the index does not answer: {error.value}", err)
    login = {"address": address, "user": secret.user, "password": password}
    if as_json:
        print_json(login, masks=False)
        return
    for name, value in login.items():
        say(f"{name:<9} {value}", masks=False)


@app.command("renew")
@shows_errors
def renew(
    context: typer.Context,
    admin: AdminOption = False,
    given: Annotated[
        bool,
        typer.Option("--given", help="Store the password on standard input, already in force."),
    ] = False,
) -> None:
    """Give the analyst, or the administrator, a new password."""
    secret = ADMIN if admin else ANALYST
    password = sys.stdin.readline().strip() if given else ""
    renew_password(settings_of(None), context.obj, secret, password)
    say(f"renewed {secret.file}: see `news-ingest secrets show`")
