"""A separate archive on a shared Elasticsearch, removed after the test."""

from __future__ import annotations

import atexit
import contextlib
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest.adapters.elastic_index import ElasticIndex
from ingest.settings.options import IndexOptions
from tests.builders import NOW

#: Indexes beside the months that tests write to.
BESIDES = ("news-revisions", "news-feeds", "news-sites", "news-dead-letters")
CONFIG = Path(__file__).parent.parent / "config"


class Archive:
    """One prefix on one server, with direct requests beside the adapter."""

    def __init__(self, url: str, prefix: str = "") -> None:
        self.url = url
        self.prefix = prefix or f"t{secrets.token_hex(4)}-"
        self.now = NOW

    def index(self, **options: Any) -> ElasticIndex:
        """Return an adapter over this archive; its clock is `self.now`."""
        given = IndexOptions(**({"url": self.url, "prefix": self.prefix} | options))
        return ElasticIndex(given, config_folder=CONFIG, clock=self._clock)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the engine's answer to a request of our own; None for 404."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise AssertionError(error.read().decode()) from error

    def remove(self) -> None:
        """Delete every index and template of this prefix."""
        for index in self.ask("GET", f"/{self.prefix}*/_alias") or {}:
            self.ask("DELETE", f"/{index}")
        for kind in ("index", "component"):
            for block in self.ask("GET", f"/_{kind}_template")[f"{kind}_templates"]:
                if block["name"].startswith(self.prefix):
                    self.ask("DELETE", f"/_{kind}_template/{block['name']}")

    def empty(self) -> None:
        """Delete the months, and the records beside them."""
        for index in self.ask("GET", f"/{self.prefix}news-documents-*/_alias") or {}:
            self.ask("DELETE", f"/{index}")
        for name in BESIDES:
            alias = f"{self.prefix}{name}"
            self.ask("POST", f"/{alias}/_refresh")
            if (self.ask("GET", f"/{alias}/_count") or {"count": 0})["count"]:
                # Recreated, since the engine remembers versions of what was deleted.
                self.ask("DELETE", f"/{alias}-r1")
                self.ask("PUT", f"/{alias}-r1", {"aliases": {alias: {}}})

    def _clock(self) -> datetime:
        return self.now


#: Archives whose test is over, by server: their schema is there, their documents are gone.
_resting: dict[str, list[Archive]] = {}


@contextmanager
def an_archive(url: str) -> Iterator[Archive]:
    """Return an empty archive whose schema is set up, for a test that leaves the schema alone.

    It may have served another test before: to set one up again takes a second or more.
    """
    resting = _resting.setdefault(url, [])
    archive = resting.pop() if resting else Archive(url)
    try:
        _set_up(archive)
        yield archive
    except BaseException:
        archive.remove()
        raise
    archive.empty()
    resting.append(archive)


@contextmanager
def a_new_archive(url: str) -> Iterator[Archive]:
    """Return an archive that no other test has, for a test that changes its schema."""
    archive = Archive(url)
    try:
        _set_up(archive)
        yield archive
    finally:
        archive.remove()


def _set_up(archive: Archive) -> None:
    archive.now = NOW
    index = archive.index()
    index.apply(NOW)
    index.close()


@atexit.register
def _remove_all() -> None:
    for archive in (one for resting in _resting.values() for one in resting):
        with contextlib.suppress(OSError):  # a server of our own has ended by now
            archive.remove()
