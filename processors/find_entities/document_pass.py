"""Decides what a single mention could not: all mentions in the text vote."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from ingest.entities.gazetteer import is_demonym, place_hint
from processors.find_entities.pieces import Piece
from processors.find_entities.tokens import (
    ORGANISATION,
    PERSON,
    PLACE,
    Decision,
    Token,
    View,
    is_common,
    key_at,
    key_of,
    place_is_meant,
    speaks,
)

#: The weight of a vote by the strength of its cue.
WEIGHTS = {"certain": 8, "strong": 4, "medium": 2, "weak": 1}

#: Last words of club names that are used alone: Rovers, City.
_CLUB_TAILS = frozenset({"united", "city", "rovers", "wanderers", "athletic", "albion", "town",
                         "county", "rangers", "wednesday", "villa"})  # fmt: skip

#: A first word that is a city of this size means the city, not the organisation.
_BIG_CITY = 250_000

Candidates = list[tuple[Piece, Decision | None]]


class FullNames(msgspec.Struct):
    """Full names in the text by the word that can replace them."""

    surnames: dict[str, str] = msgspec.field(default_factory=dict)
    givens: dict[str, str] = msgspec.field(default_factory=dict)
    organisations: dict[str, str] = msgspec.field(default_factory=dict)
    clubs: dict[str, str] = msgspec.field(default_factory=dict)
    initials: set[str] = msgspec.field(default_factory=set)


def decide_all(view: View, candidates: Candidates) -> list[Decision]:
    """Return the final decisions in order of the text; every kept one has a type."""
    parts = _full_names(view, candidates)
    decided = [_with_parts(view, piece, decision, parts) for piece, decision in candidates]
    decided = _listed(view, candidates, decided)
    votes = _votes(view, decided)
    result = []
    for (piece, _), decision in zip(candidates, decided, strict=True):
        final = _voted(view, piece, decision, votes)
        if final is not None and final.type:
            result.append(final)
    return result


def _listed(
    view: View, candidates: Candidates, decided: list[Decision | None]
) -> list[Decision | None]:
    """Classify an unknown city that follows a place in a list: Leicester, Hull and Cork."""
    result: list[Decision | None] = []
    before: Decision | None = None
    for (piece, _), decision in zip(candidates, decided, strict=True):
        if (
            decision is None
            and before is not None
            and before.type == PLACE
            and before.last == piece.first - 1
            and key_at(view, piece.first - 1) in {",", "and", "or", "et", "y", "e", "en", "und"}
            and place_hint(key_of(view, piece.first, piece.last)).kind == "city"
            and not view.tokens[piece.first].is_abbreviation
        ):
            decision = Decision(piece.first, piece.last, PLACE, "in_list_of_places", "weak")
        result.append(decision)
        before = decision
    return result


def _full_names(view: View, candidates: Candidates) -> FullNames:
    parts = FullNames()
    for _piece, decision in candidates:
        if decision is None or decision.last - decision.first < 2:
            continue
        tokens = view.tokens[decision.first : decision.last]
        name = " ".join(token.key for token in tokens)
        if decision.type == PERSON:
            is_numbered = tokens[-1].key in view.pack.roman and len(tokens) > 2
            parts.surnames.setdefault(tokens[-2 if is_numbered else -1].key, name)
            if decision.strength != "weak" and tokens[0].key in view.names.given:
                parts.givens.setdefault(tokens[0].key, name)
        elif decision.type == ORGANISATION:
            parts.initials.add(
                "".join(token.text[0] for token in tokens if token.is_capital).lower()
            )
            if decision.rule == "club_head" or (view.is_sport and tokens[-1].key in _CLUB_TAILS):
                parts.clubs.setdefault(tokens[-1].key, name)
            else:
                parts.organisations.setdefault(tokens[0].key, name)
    return parts


def _with_parts(
    view: View, piece: Piece, decision: Decision | None, parts: FullNames
) -> Decision | None:
    """Classify a single word by the full name in the same text that contains it."""
    first, last = (decision.first, decision.last) if decision else (piece.first, piece.last)
    token = view.tokens[first]
    if last - first != 1 or token.is_shouted or token.key in view.pack.openers:
        return decision

    def part_of(full: str, type: str, rule: str, strength: str) -> Decision:
        return Decision(first, last, type, rule, strength, f"full name: {full}")

    key = token.key
    if _is_surname_here(view, token, decision, last, parts):
        return part_of(parts.surnames[key], PERSON, "surname_of_full_name", "medium")
    if _is_given_not_place(view, token, decision, parts):
        return part_of(parts.givens[key], PERSON, "given_name_of_full_name", "weak")
    if decision is not None and decision.type:
        return decision
    if token.key in parts.initials and len(token.key) > 2 and token.text.isupper():
        return Decision(first, last, ORGANISATION, "initials_of_organisation", "medium")
    if _is_club_here(view, token, first, parts):
        return part_of(parts.clubs[key], ORGANISATION, "last_word_of_club", "weak")
    if _is_organisation_here(view, token, first, last, parts):
        full = parts.organisations[key]
        return part_of(full, ORGANISATION, "first_word_of_organisation", "medium")
    if _is_given_here(view, token, last, parts):
        return part_of(parts.givens[key], PERSON, "given_name_of_full_name", "weak")
    return decision


def _is_given_not_place(
    view: View, token: Token, decision: Decision | None, parts: FullNames
) -> bool:
    """Return whether this is the Taylor or Chad named in full, not the city or country."""
    if decision is None or decision.type != PLACE or token.key not in parts.givens:
        return False
    if key_at(view, decision.first - 1) in view.pack.unsure_places_before:
        return False
    return token.key in view.pack.often_people or place_hint(token.key).population < _BIG_CITY


def _is_given_here(view: View, token: Token, last: int, parts: FullNames) -> bool:
    if token.key not in parts.givens or place_hint(token.key).population > _BIG_CITY:
        return False
    return not is_common(view, token) or (
        token.key not in view.low and (speaks(view, last) or token.is_possessive)
    )


def _is_surname_here(
    view: View, token: Token, decision: Decision | None, last: int, parts: FullNames
) -> bool:
    if token.key not in parts.surnames or _is_clearly_place(view, decision):
        return False
    if (
        decision is not None
        and decision.rule == "known_organisation"
        and (parts.surnames[token.key].split()[0] not in view.names.given)
    ):
        return False
    is_doubtful = token.opens and is_common(view, token)
    return (
        not is_doubtful
        or speaks(view, last)
        or token.is_possessive
        or (key_at(view, last) in _ACTS)
    )


_ACTS = frozenset({"was", "is", "had", "has", "also", "later", ","})


def _is_clearly_place(view: View, decision: Decision | None) -> bool:
    if decision is None or decision.type != PLACE or decision.strength != "strong":
        return False
    if decision.rule in ("country_name", "region_name"):
        return key_of(view, decision.first, decision.last) not in view.pack.often_people
    return decision.rule in ("city_name", "dateline")


def _is_club_here(view: View, token: Token, first: int, parts: FullNames) -> bool:
    return (
        token.key in parts.clubs
        and view.is_sport
        and token.key != "town"
        and key_at(view, first - 1) not in {"the", "a"}
    )


def _is_organisation_here(
    view: View, token: Token, first: int, last: int, parts: FullNames
) -> bool:
    if token.key not in parts.organisations or len(token.text) < 3 or is_common(view, token):
        return False
    if token.key in view.pack.not_names or is_demonym(token.key):
        return False
    hint = place_hint(token.key)
    if hint.kind in ("country", "region", "area") or hint.population > _BIG_CITY:
        return False
    if hint.kind and place_is_meant(view, first, last):
        return False
    return token.key not in view.names.given or token.key in view.names.surnames


def _votes(view: View, decided: list[Decision | None]) -> dict[str, Counter[str]]:
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for one in decided:
        if one is not None and one.type:
            votes[key_of(view, one.first, one.last)][one.type] += WEIGHTS[one.strength]
    return votes


def _voted(
    view: View, piece: Piece, decision: Decision | None, votes: dict[str, Counter[str]]
) -> Decision | None:
    """Return the decision with the type of most mentions of this name."""
    if decision is not None and not decision.type:
        return decision
    first, last = (decision.first, decision.last) if decision else (piece.first, piece.last)
    counts = votes.get(key_of(view, first, last))
    if not counts:
        return _by_tail(view, piece, votes) if decision is None else decision
    winner, weight = max(counts.items(), key=lambda item: (item[1], item[0]))
    if decision is None:
        token = view.tokens[first]
        is_word = last - first == 1 and token.opens and token.key in view.low
        if weight < 2 or (is_word and weight < 6):
            return None
        return Decision(first, last, winner, "same_name_elsewhere", "weak", f"weight {weight}")
    if decision.type != winner and weight > counts[decision.type]:
        return decision._replace(type=winner, rule="voted", evidence=f"was {decision.rule}")
    return decision


def _by_tail(view: View, piece: Piece, votes: dict[str, Counter[str]]) -> Decision | None:
    """Classify an unknown full name by its last word if that is a person elsewhere (Mr X)."""
    if not 2 <= piece.last - piece.first <= 3:
        return None
    tokens = view.tokens[piece.first : piece.last]
    if any(is_common(view, one) or one.key in view.pack.not_names for one in tokens):
        return None
    if votes.get(tokens[-1].key, Counter())[PERSON] >= 2:
        return Decision(piece.first, piece.last, PERSON, "ends_in_person", "weak")
    return None
