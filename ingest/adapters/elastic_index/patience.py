"""Tells an engine that does not know its users yet from one that refuses this client."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import elastic_transport

#: An engine that starts answers 401 to users that it keeps in an index, until it has opened that
#: index: seen for some seconds. A key that was taken away is noticed so much later.
STARTING_SECONDS = 60.0

UNAUTHORISED = 401


class NotLetInYet(elastic_transport.ConnectionError):
    """A client that was let in before, or waited for the engine, is not let in for now."""


class PatientTransport(elastic_transport.Transport):
    """Takes 401 for "not yet" for a while, where the engine may just be starting.

    That is after an answer of another kind (so the credentials were good) and after a failed
    connection. A client whose very first answer is 401 is told so at once.
    """

    def __init__(
        self, *given: Any, monotonic: Callable[[], float] = time.monotonic, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._monotonic = monotonic
        self._may_be_starting = False
        self._refused_at: float | None = None

    def perform_request(self, *given: Any, **named: Any) -> elastic_transport.TransportApiResponse:
        """Return the answer. Errors: NotLetInYet beside those of every transport."""
        try:
            answer = super().perform_request(*given, **named)
        except elastic_transport.TransportError:
            self._may_be_starting = True
            raise
        if answer.meta.status != UNAUTHORISED:
            self._may_be_starting = True
            self._refused_at = None
            return answer
        now = self._monotonic()
        if self._refused_at is None:
            self._refused_at = now
        if self._may_be_starting and now - self._refused_at < STARTING_SECONDS:
            raise NotLetInYet(_reason_of(answer.body))
        return answer


def _reason_of(body: Any) -> str:
    try:
        return f"{UNAUTHORISED} {body['error']['type']}: {body['error']['reason']}"
    except (KeyError, TypeError):
        return str(UNAUTHORISED)
