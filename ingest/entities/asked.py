"""Says which names and ids a search for an entity asks for."""

from __future__ import annotations

import re

from ingest.entities.known import known_by_form, lead
from ingest.entities.lexicon import name_key
from ingest.query import EntityIs

_WIKIDATA = re.compile(r"[Qq]\d+")


def values_asked(node: EntityIs) -> tuple[str, ...]:
    """Return the value as written, and the ids of the known entities that it names.

    So every spelling of a known name finds the same documents, though these do not hold them all:
    `person:Trump` finds what `person:"Donald Trump"` and `person:Трамп` find.
    """
    if node.type == "place":
        return (node.value,)
    if _WIKIDATA.fullmatch(node.value):
        return (node.value, f"{node.type}:{node.value.upper()}")
    key = name_key(node.value)
    found = [one.id for one in known_by_form(key) if one.type == node.type]
    bearer = lead(key) if node.type == "person" else None
    if bearer is not None:
        found.append(bearer.id)
    return tuple(dict.fromkeys((node.value, *found)))
