"""Settles what one look at a name could not: the whole text votes."""

from __future__ import annotations

from collections import Counter, defaultdict

from processors.find_entities.pieces import Piece
from processors.find_entities.places import place_hint
from processors.find_entities.sense import (
    ORGANISATION,
    PERSON,
    PLACE,
    Decision,
    Sense,
    is_common,
    key_of,
)

WEIGHTS = {"certain": 8, "strong": 4, "medium": 2, "weak": 1}


def settle(sense: Sense, looked: list[tuple[Piece, Decision | None]]) -> list[Decision]:
    """Give the final decisions in order of the text; every kept one has a type.

    Source: enrichment.md §5.3.
    """
    persons, organisations = _full_names(sense, looked)
    decided = [_with_parts(sense, piece, decision, persons, organisations)
               for piece, decision in looked]  # fmt: skip
    votes = _votes(sense, decided)
    result = []
    for (piece, _), decision in zip(looked, decided, strict=True):
        final = _voted(sense, piece, decision, votes)
        if final is not None and final.type:
            result.append(final)
    return result


def _full_names(
    sense: Sense, looked: list[tuple[Piece, Decision | None]]
) -> tuple[dict[str, str], dict[str, str]]:
    """Give full names of people by last word, of organisations by first word."""
    persons: dict[str, str] = {}
    organisations: dict[str, str] = {}
    for _piece, decision in looked:
        if decision is None or decision.last - decision.first < 2:
            continue
        tokens = sense.tokens[decision.first : decision.last]
        name = " ".join(token.key for token in tokens)
        if decision.type == PERSON:
            last = tokens[-1].key
            if last in ("jr", "sr", "ii", "iii", "iv") and len(tokens) > 2:
                last = tokens[-2].key
            persons.setdefault(last, name)
        elif decision.type == ORGANISATION:
            organisations.setdefault(tokens[0].key, name)
    return persons, organisations


def _with_parts(
    sense: Sense, piece: Piece, decision: Decision | None,
    persons: dict[str, str], organisations: dict[str, str],
) -> Decision | None:  # fmt: skip
    """Type a lone word after the full name in the same text that it is a part of."""
    first, last = (decision.first, decision.last) if decision else (piece.first, piece.last)
    if last - first != 1:
        return decision
    token = sense.tokens[first]
    if token.is_shouted or token.key in sense.pack.openers:
        return decision
    if (
        token.key in persons
        and not _is_clearly_place(sense, decision)
        and (
            decision is None
            or decision.rule != "known_organisation"
            or persons[token.key].split()[0] in sense.names.given
        )
    ):
        if not (token.opens and is_common(sense, token) and not _acts(sense, last)):
            return Decision(first, last, PERSON, "surname_of_full_name", "medium",
                            f"full name: {persons[token.key]}")  # fmt: skip
    if decision is not None and decision.type:
        return decision
    if token.key in organisations and not is_common(sense, token) and len(token.text) > 2:
        if not place_hint(token.key).kind and token.key not in sense.pack.not_names:
            if not _is_nationality(token.key) and token.key not in sense.names.given:
                return Decision(first, last, ORGANISATION, "first_word_of_organisation", "medium",
                                f"full name: {organisations[token.key]}")  # fmt: skip
    return decision


def _acts(sense: Sense, last: int) -> bool:
    following = sense.tokens[last].key if last < len(sense.tokens) else ""
    return (
        following in sense.pack.speech
        or sense.tokens[last - 1].is_possessive
        or following in {"was", "is", "had", "has", "also", "later"}
    )


def _is_clearly_place(sense: Sense, decision: Decision | None) -> bool:
    return (
        decision is not None
        and decision.type == PLACE
        and decision.strength == "strong"
        and (
            decision.rule in ("city_name", "country_name", "region_name", "dateline")
            and (
                decision.rule == "city_name"
                or decision.rule == "dateline"
                or key_of(sense, decision.first, decision.last) not in _SURNAME_COUNTRIES
            )
        )
    )


_SURNAME_COUNTRIES = frozenset({"jordan", "chad", "israel", "georgia", "washington", "virginia"})


def _is_nationality(key: str) -> bool:
    from processors.resolve_places.gazetteer import country_names

    return key in country_names("demonyms")


def _votes(sense: Sense, decided: list[Decision | None]) -> dict[str, Counter[str]]:
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for decision in decided:
        if decision is not None and decision.type:
            votes[key_of(sense, decision.first, decision.last)][decision.type] += WEIGHTS[
                decision.strength
            ]
    return votes


def _voted(
    sense: Sense, piece: Piece, decision: Decision | None, votes: dict[str, Counter[str]]
) -> Decision | None:
    """Give the type that most of the mentions of this name have."""
    if decision is not None and not decision.type:
        return decision
    first, last = (decision.first, decision.last) if decision else (piece.first, piece.last)
    counts = votes.get(key_of(sense, first, last))
    if not counts:
        return _by_tail(sense, piece, votes) if decision is None else decision
    winner, weight = max(counts.items(), key=lambda item: (item[1], item[0]))
    if decision is None:
        token = sense.tokens[first]
        if weight < 2 or (
            last - first == 1 and token.opens and is_common(sense, token) and weight < 6
        ):
            return None
        return Decision(first, last, winner, "same_name_elsewhere", "weak", f"weight {weight}")
    if decision.type != winner and weight > counts[decision.type]:
        return decision._replace(type=winner, rule="voted", evidence=f"was {decision.rule}")
    return decision


def _by_tail(sense: Sense, piece: Piece, votes: dict[str, Counter[str]]) -> Decision | None:
    """Type an unknown full name by its last word, when that is a person elsewhere (Mr X)."""
    if not 2 <= piece.last - piece.first <= 3:
        return None
    tokens = sense.tokens[piece.first : piece.last]
    if any(is_common(sense, one) or one.key in sense.pack.not_names for one in tokens):
        return None
    if votes.get(tokens[-1].key, Counter())[PERSON] >= 2:
        return Decision(piece.first, piece.last, PERSON, "ends_in_person", "weak")
    return None
