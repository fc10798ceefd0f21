"""Chooses which of the places of one name is meant."""

from __future__ import annotations

import math
import unicodedata
from typing import NamedTuple

from processors.resolve_places.gazetteer import (
    CAPITAL,
    CITY,
    COUNTRY,
    REGION,
    Place,
    city_names,
    country_names,
    gazetteer,
    other_scripts,
    place_key,
)
from processors.resolve_places.votes import Votes

#: Points of the parts of a score.
FOLLOWED_BY_HOME = 10.0
A_VOTE = 1.2
MOST_VOTES = 2
NATIONAL_CAPITAL = 1.5
OTHER_NAME = -1.0
HOME_OF_PUBLISHER = 0.5
NAMESAKE = -3.0
COUNTRY_POINTS = 7.4

#: A city smaller than this is no namesake that is meant before its region.
BIG_CITY = 500_000


class Scored(NamedTuple):
    """One candidate with its score and what made it."""

    place: Place
    score: float
    parts: str


class Situation(NamedTuple):
    """How a name stands in a document.

    `homes` are folded names of states or countries that follow it after a comma;
    `is_after_city` when it mostly follows a city and a comma itself.
    """

    homes: frozenset[str]
    is_after_city: bool
    votes: Votes
    publisher_country: str = ""
    language: str = "en"


def best_place(name: str, situation: Situation) -> tuple[Scored | None, Scored | None]:
    """Return the winner among the places of this name, and the runner-up.

    A region that has its name from a big city in
    it (New York) is meant only where a city stands before it.
    """
    key = place_key(name).removeprefix("the ")
    if key in ("us", "uk", "uae") and not name.replace(".", "").isupper():
        return None, None
    candidates = _candidates(name, key, situation.language)
    cities = {(place.country, place.admin) for place, _ in candidates if _is_big_city(place)}
    ranked = sorted(
        (_scored(place, is_other, situation, cities) for place, is_other in candidates),
        key=lambda one: (-one.score, one.place.row),
    )
    seen: dict[int, Scored] = {}
    for one in ranked:
        seen.setdefault(one.place.row, one)
    best = list(seen.values())
    return (best[0] if best else None, best[1] if len(best) > 1 else None)


def _candidates(name: str, key: str, language: str) -> list[tuple[Place, bool]]:
    """Return the places of this name, each with whether it is called so in another language."""
    places = gazetteer()
    found = [(place, False) for place in places.named(key)]
    found += [(place, True) for place in places.named_elsewhere(key)]
    if language not in ("", "en"):
        code = country_names(language).get(name.casefold())
        country = places.country(code) if code else None
        if country is not None:
            found.append((country, False))
        row = city_names(language).get(name.casefold())
        if row is not None:
            found.append((places.place(row), False))
    if not found and not name.isascii():
        rows = other_scripts().get(unicodedata.normalize("NFKC", name).casefold(), [])
        found = [(places.place(row), False) for row in ([rows] if isinstance(rows, int) else rows)]
    return found


def _is_big_city(place: Place) -> bool:
    return place.kind in (CITY, CAPITAL) and place.population >= BIG_CITY


def _scored(
    place: Place, is_other: bool, situation: Situation, cities: set[tuple[str, str]]
) -> Scored:
    votes = situation.votes
    parts = [("population", math.log10(max(place.population, 10)))]
    if place.kind == COUNTRY:
        # A country's people are no measure against its namesakes: votes decide.
        parts = [("country", COUNTRY_POINTS)]
    if place.kind == REGION and (place.country, place.admin) in cities:
        if situation.is_after_city:
            parts.append(("after a city", FOLLOWED_BY_HOME))
        else:
            parts.append(("city of this name", NAMESAKE))
    if situation.homes and _is_at_home(place, situation.homes):
        parts.append(("followed by its home", FOLLOWED_BY_HOME))
    own_country = votes.countries[place.country]
    if own_country:
        parts.append(("country votes", A_VOTE * min(MOST_VOTES, own_country)))
    own_region = votes.regions[place.country, place.admin]
    if own_region and place.admin:
        parts.append(("region votes", A_VOTE * min(MOST_VOTES, own_region)))
    if place.kind == CAPITAL:
        parts.append(("capital", NATIONAL_CAPITAL))
    if is_other:
        parts.append(("other name", OTHER_NAME))
    if situation.publisher_country and place.country == situation.publisher_country:
        parts.append(("publisher's country", HOME_OF_PUBLISHER))
    score = sum(points for _, points in parts)
    return Scored(place, score, ", ".join(f"{name} {points:+.1f}" for name, points in parts))


def _is_at_home(place: Place, homes: frozenset[str]) -> bool:
    """Return whether one of these names is that of the place's region or country."""
    if place.kind == COUNTRY:
        return False
    for home in homes:
        for known in gazetteer().named(home):
            if known.row == place.row or known.kind not in (COUNTRY, REGION):
                continue
            if known.kind == COUNTRY and known.country == place.country:
                return True
            if known.country == place.country and known.admin and known.admin == place.admin:
                return True
        if place.country == "US" and _STATE_SHORT.get(home) == place.admin:
            return True
    return False


#: How news agencies shorten the states of the USA, folded, and their postal codes.
_STATE_SHORT = {
    "ala": "AL", "ariz": "AZ", "ark": "AR", "calif": "CA", "colo": "CO", "conn": "CT", "del": "DE",
    "fla": "FL", "ga": "GA", "ill": "IL", "ind": "IN", "kan": "KS", "ky": "KY", "la": "LA",
    "md": "MD", "mass": "MA", "mich": "MI", "minn": "MN", "miss": "MS", "mo": "MO", "mont": "MT",
    "neb": "NE", "nev": "NV", "nh": "NH", "nj": "NJ", "nm": "NM", "ny": "NY", "nc": "NC",
    "nd": "ND", "okla": "OK", "ore": "OR", "pa": "PA", "ri": "RI", "sc": "SC", "sd": "SD",
    "tenn": "TN", "tex": "TX", "vt": "VT", "va": "VA", "wash": "WA", "wva": "WV", "wis": "WI",
    "wyo": "WY", "dc": "DC", "al": "AL", "ak": "AK", "az": "AZ", "ar": "AR", "ca": "CA", "co": "CO",
    "ct": "CT", "de": "DE", "fl": "FL", "hi": "HI", "id": "ID", "il": "IL", "in": "IN", "ia": "IA",
    "ks": "KS", "me": "ME", "ma": "MA", "mi": "MI", "mn": "MN", "ms": "MS", "mt": "MT", "ne": "NE",
    "nv": "NV", "oh": "OH", "ok": "OK", "or": "OR", "tn": "TN", "tx": "TX", "ut": "UT", "wa": "WA",
    "wv": "WV", "wi": "WI", "wy": "WY",
}  # fmt: skip
