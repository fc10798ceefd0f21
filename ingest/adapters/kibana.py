"""Talks to Kibana: waits for it, imports saved objects, creates roles."""

from __future__ import annotations

import base64
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, NamedTuple

from ingest.errors import DependencyUnavailable, NewsIngestError
from ingest.settings.options import KibanaOptions

REQUEST_TIMEOUT_SECONDS = 60.0
WAIT_SECONDS = 3.0
#: Statuses of a starting Kibana, or of a proxy before it.
_STARTING_STATUSES = (404, 500, 502, 503, 504)


class KibanaAnswer(NamedTuple):
    """A response of Kibana: the status, and the body, parsed if it is JSON."""

    status: int
    body: Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect: it leads to a login page, and an import would be lost."""


class Kibana:
    """One Kibana. `sleep` and `monotonic` are those of `time`."""

    def __init__(
        self,
        options: KibanaOptions,
        *,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._options = options
        self._sleep = sleep
        self._monotonic = monotonic
        # No proxy of the environment, since Kibana is in the same network.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def wait(self) -> None:
        """Wait until Kibana is available.

        Errors: DependencyUnavailable after `kibana.timeout_seconds`; NewsIngestError when it
        refuses the login.
        """
        until = self._monotonic() + self._options.timeout_seconds
        while True:
            level = self._level()
            if level == "available":
                return
            if self._monotonic() >= until:
                raise DependencyUnavailable(
                    "Kibana is not available",
                    value=level,
                    origin=self._options.url,
                    remedy="check the log of Kibana, then run `news-ingest setup` again",
                )
            self._sleep(WAIT_SECONDS)

    def import_objects(self, pack: bytes, name: str) -> int:
        """Import a pack, overwrite objects with the same ids, and return the number imported.

        Errors: NewsIngestError with Kibana's error for each object it refused.
        """
        boundary = secrets.token_hex(16)
        body = b"".join(
            (
                f"--{boundary}\r\n".encode(),
                f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode(),
                b"Content-Type: application/ndjson\r\n\r\n",
                pack,
                f"\r\n--{boundary}--\r\n".encode(),
            )
        )
        kind = f"multipart/form-data; boundary={boundary}"
        answer = self._request("POST", "/api/saved_objects/_import?overwrite=true", body, kind)
        found = answer.body if isinstance(answer.body, dict) else {}
        if answer.status != 200 or found.get("success") is not True:
            raise self._refusal(f"Kibana did not import {name}", answer)
        return int(found.get("successCount", 0))

    def features(self) -> list[str]:
        """Return the ids of the features that privileges are granted on."""
        answer = self._request("GET", "/api/features")
        if answer.status != 200 or not isinstance(answer.body, list):
            raise self._refusal("Kibana did not list its features", answer)
        return [one["id"] for one in answer.body]

    def put_role(self, name: str, role: dict[str, Any]) -> None:
        """Create or replace a role. Errors: NewsIngestError."""
        body = json.dumps(role).encode()
        answer = self._request("PUT", f"/api/security/role/{name}", body, "application/json")
        if answer.status not in (200, 204):
            raise self._refusal(f"Kibana did not create role {name}", answer)

    def _level(self) -> str:
        try:
            answer = self._request("GET", "/api/status")
        except DependencyUnavailable as error:
            return str(error.value)
        if answer.status == 200 or (
            answer.status in _STARTING_STATUSES and isinstance(answer.body, dict)
        ):
            try:
                return str(answer.body["status"]["overall"]["level"])
            except (KeyError, TypeError):
                pass
        if answer.status in _STARTING_STATUSES or answer.status == 200:
            return f"{answer.status} {_shown(answer.body)}"
        raise self._refusal("Kibana does not report its status", answer)

    def _request(
        self, method: str, path: str, body: bytes | None = None, kind: str = ""
    ) -> KibanaAnswer:
        """Return the response to one request. Errors: DependencyUnavailable when there is none."""
        request = urllib.request.Request(  # noqa: S310 - the settings allow http and https alone
            self._options.url.rstrip("/") + path, data=body, method=method
        )
        request.add_header("kbn-xsrf", "news-ingest")
        if kind:
            request.add_header("Content-Type", kind)
        if self._options.username:
            login = f"{self._options.username}:{self._options.password}".encode()
            request.add_header("Authorization", f"Basic {base64.b64encode(login).decode()}")
        try:
            with self._opener.open(request, timeout=REQUEST_TIMEOUT_SECONDS) as found:
                return KibanaAnswer(found.status, _read(found.read()))
        except urllib.error.HTTPError as error:
            with error:
                return KibanaAnswer(error.code, _read(error.read()))
        except (OSError, HTTPException) as error:
            raise DependencyUnavailable(
                "Kibana does not answer",
                value=str(error),
                origin=self._options.url,
                remedy="start Kibana or correct kibana.url, then run `news-ingest setup` again",
            ) from error

    def _refusal(self, what: str, answer: KibanaAnswer) -> NewsIngestError:
        remedy = "if that does not help, please report it"
        if answer.status in (401, 403):
            remedy = "check kibana.username, kibana.password and their rights"
        return NewsIngestError(
            what,
            value=f"{answer.status} {_shown(answer.body)}",
            origin=self._options.url,
            remedy=remedy,
        )


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _shown(body: Any) -> str:
    """Return the most useful part of a response."""
    if isinstance(body, dict):
        body = body.get("errors") or body.get("message") or body
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
