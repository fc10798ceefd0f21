"""Cues that a name is a place."""

from __future__ import annotations

from ingest.entities.gazetteer import is_town, place_hint
from processors.find_entities.tokens import (
    PLACE,
    Decision,
    View,
    is_common,
    is_home,
    is_in_region,
    is_person_like,
    is_upper,
    key_at,
    key_of,
    place_is_meant,
    speaks,
)

#: First words that make a place only in a known name, or after "in".
_DOUBTFUL_FIRST = frozenset(
    {"san", "santa", "los", "las", "el", "la", "villa", "ben", "glen", "point", "river", "bay",
     "santo", "rio", "sao", "camp", "new", "st", "saint"}
)  # fmt: skip
_PLACE_ADJECTIVES = frozenset(
    {"little", "great", "upper", "lower", "old", "new", "high", "long", "much", "north", "south",
     "east", "west", "saint", "st", "grand", "royal", "middle", "nether", "chipping"}
)  # fmt: skip
_BEFORE_FACILITIES = frozenset({"at", "on", "the", "to", "from", "off", "along", "into"})


def sure(view: View, first: int, last: int, title: str) -> Decision | None:
    """A country, state, region or other area by its name."""
    hint = place_hint(key_of(view, first, last), view.pack.language)
    if hint.kind not in ("country", "region", "area") or title:
        return None
    token = view.tokens[first]
    rule = f"{hint.kind}_name"
    if last - first == 1:
        if token.key in ("us", "uk", "uae") and not is_upper(token):
            return None
        if hint.kind == "region" and token.key in view.pack.states_short:
            is_after = key_at(view, first - 1) == ","
            return Decision(first, last, PLACE, rule, "medium") if is_after else None
        if token.key in view.pack.often_people:
            if place_is_meant(view, first, last):
                return Decision(first, last, PLACE, rule, "strong")
            if speaks(view, last) and token.key in view.names.given | view.names.surnames:
                return None
            return Decision(first, last, PLACE, rule, "weak" if hint.kind == "area" else "medium")
        if is_common(view, token) and hint.kind == "area" and token.opens:
            return None
    return Decision(first, last, PLACE, rule, "strong")


def abbreviated(view: View, first: int, last: int, title: str) -> Decision | None:
    """The short form of a state after a place and a comma: Raleigh, N.C."""
    if last - first > 1 or title or view.tokens[first].key not in view.pack.states_short:
        return None
    is_after = key_at(view, first - 1) == "," and first > 1 and view.tokens[first - 2].is_capital
    is_short = view.tokens[first].is_abbreviation or is_upper(view.tokens[first])
    return Decision(first, last, PLACE, "state_short", "medium") if is_after and is_short else None


def directed(view: View, first: int, last: int, title: str) -> Decision | None:
    """A direction and a place: North East England, South London."""
    tokens, pack = view.tokens, view.pack
    if title or last - first < 2 or tokens[first].key not in pack.directions:
        return None
    base = first
    while base < last and tokens[base].key in pack.directions:
        base += 1
    hint = place_hint(key_of(view, base, last), pack.language)
    if hint.kind in ("country", "region", "area") or hint.population > 300_000:
        return Decision(first, last, PLACE, "direction_and_place", "strong")
    return None


def headed(view: View, first: int, last: int, title: str) -> Decision | None:
    """A head word: … River, … Street, Lake …, Gulf of …."""
    pack, tokens = view.pack, view.tokens
    if last - first < 2 or title:
        return None
    head, opening = tokens[last - 1].key, tokens[first].key
    if head in pack.place_heads and tokens[last - 1].is_capital:
        before = key_at(view, first - 1)
        is_person = head in pack.surname_heads and is_person_like(view, first, last)
        if is_person and before not in pack.places_before | _BEFORE_FACILITIES:
            return None
        return Decision(first, last, PLACE, "place_head", "strong", head)
    if opening in pack.place_heads_first:
        if opening in _DOUBTFUL_FIRST:
            hint = place_hint(key_of(view, first, last))
            if not hint.kind and not place_is_meant(view, first, last):
                return None
            if hint.kind:
                return None
        elif tokens[first + 1].key == "of" and last - first < 3:
            return None
        return Decision(first, last, PLACE, "place_head", "strong", opening)
    return None


def by_name(view: View, first: int, last: int, title: str) -> Decision | None:
    """A city in the gazetteer, accepted for its size or its context; a town with its state."""
    key = key_of(view, first, last)
    hint = place_hint(key, view.pack.language)
    if not hint.kind and not title and is_town(key):
        if is_in_region(view, last):
            return Decision(first, last, PLACE, "town_in_region", "strong")
        if is_home(view, first, last) and not is_common(view, view.tokens[first]):
            return Decision(first, last, PLACE, "home_of_people", "medium")
    if hint.kind not in ("city", "alternate") or title:
        return None
    if key_at(view, first - 1) in view.pack.organisation_before and not (
        view.tokens[first - 1].is_possessive
    ):
        return None
    token = view.tokens[first]
    if last - first == 1 and token.text.isupper() and len(token.text) < 4:
        return None
    if token.is_abbreviation and token.key in view.pack.states_short:
        return None
    is_meant = place_is_meant(view, first, last)
    if hint.kind == "alternate" and (hint.population < 400_000 or not is_meant):
        return None
    if last - first == 1 and not _is_believed(view, first, last, is_meant, hint.population):
        return None
    if not is_meant and hint.population < _min_population(view, first, last):
        return None
    return Decision(first, last, PLACE, "city_name", "strong" if is_meant else "medium")


def _min_population(view: View, first: int, last: int) -> int:
    """Return how many people a city needs here: fewer after "from", "to" and the like."""
    token = view.tokens[first]
    is_name = token.key in view.names.given or token.key in view.names.surnames
    if key_at(view, first - 1) in _MOVES and not (is_name and last - first == 1):
        return 15_000
    return 90_000


_MOVES = frozenset({"from", "to", "via", "between", "leaving", "reached", "reaching", "visiting",
                    "left", "toward", "towards"})  # fmt: skip


def _is_believed(view: View, first: int, last: int, is_meant: bool, population: int) -> bool:
    """Return whether a single word that is the name of a city means the city here."""
    token = view.tokens[first]
    if is_common(view, token) and (not is_meant or token.opens):
        return False
    if token.key in view.pack.not_names:
        return False
    if is_meant:
        return True
    is_person_too = token.key in view.names.given or token.key in view.names.surnames
    if token.key in view.pack.often_people and speaks(view, last):
        return False
    return not (is_person_too and population < 400_000)


def after_preposition(view: View, first: int, last: int, title: str) -> Decision | None:
    """An unknown name after "in", "near", "the town of", "northern"."""
    pack, tokens = view.pack, view.tokens
    token = tokens[first]
    if title or last - first > 3 or token.opens or token.is_shouted or first in view.known:
        return None
    before = key_at(view, first - 1)
    is_after = before in pack.unsure_places_before
    is_after = is_after or (
        before in {"to", "from"} and key_at(view, first - 2) in pack.travel_verbs
    )
    is_after = is_after or (before == "of" and key_at(view, first - 2) in pack.place_words_before)
    is_after = is_after or (before in pack.directions and last - first == 1)
    if not is_after or is_upper(token) or tokens[last - 1].is_possessive:
        return None
    start = first + 1 if token.key in _PLACE_ADJECTIVES and last - first > 1 else first
    for one in tokens[start:last]:
        if (
            one.text.endswith(("ans", "ers", "ites", "ese"))
            or is_common(view, one)
            or one.key
            in (pack.not_names | pack.months | pack.weekdays | pack.other_heads | pack.titles)
        ):
            return None
    if token.key in view.names.surnames or (token.key in view.names.given and last - first == 1):
        return None
    return Decision(first, last, PLACE, "place_preposition", "weak")
