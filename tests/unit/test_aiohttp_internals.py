"""What exchange.py uses of aiohttp beyond its public names: fails loudly on another version.

On an upgrade compare aiohttp's client_proto.py, client_reqrep.py (ConnectionKey) and
ClientSession._retry_connection with what is asserted here and used in
ingest/adapters/http/exchange.py, measure again, then set VERSION and the range in pyproject.toml.
"""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey

VERSION = "3.14"
USED = ("set_response_params", "start_timeout", "read", "close", "abort", "connection_lost")


def names(function: object) -> list[str]:
    assert callable(function)
    return list(inspect.signature(function).parameters)


def test_only_the_minor_version_that_was_compared_is_installed_and_allowed() -> None:
    assert aiohttp.__version__.startswith(f"{VERSION}.")
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    (wanted,) = (line for line in project["dependencies"] if line.startswith("aiohttp"))
    major, minor = VERSION.split(".")
    assert wanted == f"aiohttp>={VERSION},<{major}.{int(minor) + 1}"


def test_the_protocol_has_what_an_exchange_uses() -> None:
    assert names(ResponseHandler) == ["loop"]
    assert all(callable(getattr(ResponseHandler, name)) for name in USED)
    assert inspect.iscoroutinefunction(ResponseHandler.read)
    assert {
        "read_until_eof",
        "read_timeout",
        "read_bufsize",
        "max_line_size",
        "max_field_size",
        "max_headers",
    } <= set(names(ResponseHandler.set_response_params))


def test_errors_of_connecting_are_made_from_the_same_key() -> None:
    fields = "host port is_ssl ssl proxy proxy_auth proxy_headers_hash server_hostname"
    assert ConnectionKey._fields == tuple(fields.split())


def test_a_session_has_the_switch_against_retries() -> None:
    assert "self._retry_connection" in inspect.getsource(aiohttp.ClientSession.__init__)
