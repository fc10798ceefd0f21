"""Decides by its words and its neighbours what a capitalised run names."""

from __future__ import annotations

from collections.abc import Callable

from processors.find_entities import organisation_cues, person_cues, place_cues
from processors.find_entities.places import place_hint
from processors.find_entities.sense import Decision, Sense, is_person_like, key_of

Cue = Callable[[Sense, int, int, str], Decision | None]


def other_thing(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    """An event, law, prize, work: its last word says so, or its first."""
    if last - first == 1 or title:
        return None
    pack = sense.pack
    head, opening = sense.tokens[last - 1].key, sense.tokens[first].key
    if head in pack.other_heads:
        if is_person_like(sense, first, last) and (
            head in pack.surname_heads or head in sense.names.surnames
        ):
            return None
        if place_hint(key_of(sense, first, last)).kind:
            return None
        return Decision(first, last, "", "other_head", "strong")
    if opening in pack.things_first and not is_person_like(sense, first, last):
        return Decision(first, last, "", "other_head", "strong")
    return None


#: The order of enrichment.md §5.2, with well-known organisations and what is no name before.
ORDER: tuple[Cue, ...] = (
    organisation_cues.known,
    other_thing,
    organisation_cues.headed,
    person_cues.titled,
    place_cues.sure,
    place_cues.directed,
    place_cues.headed,
    person_cues.royal,
    person_cues.given_name,
    place_cues.by_name,
    organisation_cues.acronym,
    person_cues.apposition,
    organisation_cues.in_context,
    person_cues.surname,
    place_cues.after_preposition,
    person_cues.lone_given_name,
)


def decide(sense: Sense, first: int, last: int, title: str = "") -> Decision | None:
    """Give the first cue that fires on these tokens; None when none does."""
    for cue in ORDER:
        decision = cue(sense, first, last, title)
        if decision is not None:
            return decision
    return None
