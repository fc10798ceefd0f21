"""Each field of a document, chosen among what page and feed say: candidates and provenance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ingest.model import Candidate, Provenance

_MAX_LOSERS = 5
_MAX_VALUE_CHARACTERS = 500
_MAX_WHY_CHARACTERS = 200


class Fields(NamedTuple):
    """Some fields of a document, and the provenance of each."""

    values: dict[str, Any]
    proofs: dict[str, Provenance]


def candidate(value: str, source: str, raw: str = "") -> Candidate:
    """Return a candidate with its values cut to 500 characters."""
    return Candidate(
        value[:_MAX_VALUE_CHARACTERS], source, "" if raw == value else raw[:_MAX_VALUE_CHARACTERS]
    )


def provenance(
    value: str, source: str, others: Iterable[Candidate] = (), why: str = ""
) -> Provenance:
    """Return where a value came from, with what lost to it: at most 5, none of them empty.

    A candidate of the same source and value is the winner itself. `why` names the rule.
    """
    value = value[:_MAX_VALUE_CHARACTERS]
    losers = [
        other
        for other in others
        if (other.value or other.raw) and (other.source, other.value) != (source, value)
    ]
    return Provenance(
        source, value, tuple(dict.fromkeys(losers))[:_MAX_LOSERS], why[:_MAX_WHY_CHARACTERS]
    )


def first_of(candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the first candidate that has a value."""
    return next((one for one in candidates if one.value), None)
