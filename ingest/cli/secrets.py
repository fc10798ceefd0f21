"""`news-ingest secrets`: makes and shows the passwords of a deployment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ingest.cli.context import JsonOption, shows_errors
from ingest.cli.terminal_text import print_json, say
from ingest.settings.passwords import ADMIN, ANALYST, make_passwords, password_of

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
    admin: Annotated[bool, typer.Option("--admin", help="The administrator's login.")] = False,
    address: Annotated[
        str, typer.Option(help="Address of Kibana.", envvar="KIBANA_ADDRESS")
    ] = "http://localhost:5601",
    as_json: JsonOption = False,
) -> None:
    """Print the login for Kibana."""
    secret = ADMIN if admin else ANALYST
    login = {
        "address": address,
        "user": secret.user,
        "password": password_of(context.obj, secret),
    }
    if as_json:
        print_json(login, masks=False)
        return
    for name, value in login.items():
        say(f"{name:<9} {value}", masks=False)
