"""Chooses which place of a name is meant: by its size, its neighbours in the text, its votes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ingest.entities.gazetteer import (
    AREA,
    CAPITAL,
    CITY,
    COUNTRY,
    DISTRICT,
    REGION,
    SMALL_TOWN,
    Place,
    gazetteer,
)
from ingest.entities.lexicon import name_key
from processors.resolve_places.senses import ABBREVIATED, Sense, senses
from processors.resolve_places.votes import Votes

#: Points that make up a score.
IN_ITS_HOME = 10.0
NEAR_ITS_HOME = 4.0
A_VOTE = 1.2
MOST_VOTES = 2
COUNTRY_OF_PUBLISHER = 0.5
#: A paper of Lima, Ohio, means its own town by the bare name, not Peru's capital.
ITS_OWN_TOWN = 6.0
HOME_OF_PUBLISHER = 2.0
REGION_OF_PUBLISHER = 1.0
A_NEIGHBOUR = 0.8
MOST_NEIGHBOURS = 3
#: Neighbours are so near; a town must be so near to a bigger place of the text, or to home.
NEIGHBOUR_KM = 150.0
HOME_KM = 150.0
IN_A_CITY_KM = 60.0
#: A name in no other sense needs no neighbour from this size on.
KNOWN_TOWN = 5_000


class Scored(NamedTuple):
    """One candidate with its score and why."""

    place: Place
    score: float
    reasons: tuple[tuple[str, float], ...]

    @property
    def parts(self) -> str:
        """Return what makes up the score, to be read."""
        return ", ".join(f"{name} {points:+.1f}" for name, points in self.reasons)


class Situation(NamedTuple):
    """The context of a name in a document.

    `homes` are folded names of what follows it: Ohio of "Springfield, Ohio"; `owners` of what it
    belongs to: Cape Town of "Cape Town's Brooklyn". `own_votes` are those of the name itself. `is_region`: it mostly stands after
    a city and a comma, or in a list of regions, `is_country`: in a list of countries. `covered` are regions
    that the publisher writes about again and again. `neighbours` are the other places of the document; none before they are known.
    """

    homes: frozenset[str] = frozenset()
    is_region: bool = False
    is_country: bool = False
    votes: Votes = Votes()
    own_votes: Votes = Votes()
    publisher_country: str = ""
    publisher_home: Place | None = None
    covered: frozenset[tuple[str, str]] = frozenset()
    language: str = "en"
    owners: frozenset[str] = frozenset()
    neighbours: Sequence[Place] = ()


def best_place(name: str, situation: Situation) -> tuple[Scored | None, Scored | None]:
    """Return the winner among the places of this name, and the runner-up.

    A small town is meant only where something says so, and what belongs to a place lies in it.
    """
    homes = _places_of(situation.homes)
    owners = _places_of(situation.owners)
    ranked = sorted(
        (_scored(sense, situation, homes, owners) for sense in senses(name, situation.language)),
        key=lambda one: (-one[0].score, -one[0].place.population, one[0].place.row),
    )
    best = [scored for scored, is_believed in ranked if is_believed]
    if len(ranked) == 1 and not owners and ranked[0][0].place.population >= KNOWN_TOWN:
        best = [ranked[0][0]]
    return (best[0] if best else None, best[1] if len(best) > 1 else None)


def _scored(
    sense: Sense, situation: Situation, homes: Sequence[Place], owners: Sequence[Place]
) -> tuple[Scored, bool]:
    """Return a sense with its score, and whether anything supports it beyond its name."""
    place, votes = sense.place, situation.votes
    parts: list[tuple[str, float]] = []
    at_home = _at_home(place, homes, situation.homes) if place.kind != COUNTRY else 0.0
    if at_home:
        parts.append(("followed by its home", at_home))
    in_owner = any(is_inside(place, owner) for owner in owners)
    if in_owner:
        parts.append(("in its owner", IN_ITS_HOME))
    if situation.is_region and gazetteer().is_known_region(place):
        parts.append(("after a city or in a list of regions", IN_ITS_HOME))
    if situation.is_country and place.kind == COUNTRY:
        parts.append(("in a list of countries", IN_ITS_HOME))
    own = situation.own_votes
    for_country = votes.countries[place.country] - own.countries[place.country]
    if for_country:
        parts.append(("country votes", A_VOTE * min(MOST_VOTES, for_country)))
    region = (place.country, place.admin)
    for_region = votes.regions[region] - own.regions[region] if place.admin else 0
    if for_region:
        parts.append(("region votes", A_VOTE * min(MOST_VOTES, for_region)))
    if situation.publisher_country and place.country == situation.publisher_country:
        parts.append(("publisher's country", COUNTRY_OF_PUBLISHER))
    near, is_local = 0, False
    if place.kind not in (COUNTRY, AREA):
        home = situation.publisher_home
        is_home = home is not None and distance_km(place, home) <= HOME_KM
        is_local = is_home or region in situation.covered
        if is_local:
            points = HOME_OF_PUBLISHER if is_home else REGION_OF_PUBLISHER
            points = ITS_OWN_TOWN if home is not None and place.row == home.row else points
            parts.append(("publisher's home" if is_home else "publisher's region", points))
        near = sum(distance_km(place, one) <= NEIGHBOUR_KM for one in situation.neighbours)
        if near:
            parts.append(("neighbours", A_NEIGHBOUR * min(MOST_NEIGHBOURS, near)))
    is_small = place.kind in (CITY, DISTRICT) and place.population < SMALL_TOWN
    is_supported = at_home or in_owner or near or for_region or is_local
    is_supported = is_supported or (for_country and place.population >= KNOWN_TOWN)
    score = sense.points + sum(points for _, points in parts)
    scored = Scored(place, score, (*sense.reasons, *parts))
    is_elsewhere = not in_owner and any(_holds(owner, place) for owner in owners)
    return scored, not is_elsewhere and bool(is_supported or not is_small)


def _holds(owner: Place, place: Place) -> bool:
    """Return whether "<owner>'s <place>" says that the place lies in it.

    So it does of a city and its quarters; a country or a capital may just have to do with it.
    """
    if owner.kind not in (CITY, CAPITAL):
        return False
    return place.kind == CITY or (place.kind in (AREA, DISTRICT) and owner.kind == CITY)


def _places_of(keys: Iterable[str]) -> list[Place]:
    """Return what folded names of homes may mean: countries, regions, districts, bigger cities."""
    return [
        place
        for key in keys
        for place in gazetteer().named(key)
        if place.kind < CITY or place.population >= 50_000
    ]


def _at_home(place: Place, homes: Sequence[Place], keys: Iterable[str]) -> float:
    """Return the points for being in, or near, one of the homes."""
    best = 0.0
    for home in homes:
        if home.row != place.row and is_inside(place, home):
            best = max(best, IN_ITS_HOME if home.kind in (COUNTRY, REGION) else NEAR_ITS_HOME)
    for key in keys if place.kind != COUNTRY else ():
        if ABBREVIATED.get(key, ("US", key.upper())) == (place.country, place.admin):
            return IN_ITS_HOME
    return best


def is_inside(place: Place, home: Place) -> bool:
    if home.kind == COUNTRY:
        return place.country == home.country
    if place.country != home.country or not home.country:
        return False
    if home.kind == REGION:
        return bool(home.admin) and place.admin == home.admin
    if home.kind == DISTRICT:
        return place.admin == home.admin and place.district == home.district
    return home.kind in (CITY, CAPITAL) and distance_km(place, home) <= IN_A_CITY_KM


def distance_km(one: Place, other: Place) -> float:
    """Return the distance of two places, near enough for some hundred kilometres."""
    north = one.latitude - other.latitude
    if abs(north) > 10:
        return 1_000.0
    east = (one.longitude - other.longitude) * math.cos(math.radians(one.latitude))
    return 111.2 * math.hypot(north, east)


def home_of(text: str) -> Place | None:
    """Return the place that "Lima, Ohio" names; None if it names none.

    A country has no neighbourhood: it is for `publisher_country`.
    """
    name, _, rest = text.partition(",")
    homes = frozenset(name_key(part) for part in rest.split(",") if part.strip())
    winner, _ = best_place(name.strip(), Situation(homes=homes))
    return winner.place if winner is not None and winner.place.kind != COUNTRY else None


def neighbours_of(
    id: str, chosen: Mapping[str, tuple[Scored, Scored | None]]
) -> list[Place]:  # fmt: skip
    """Return the places of the document that say where another one is: no countries or areas."""
    return [
        winner.place
        for other, (winner, _) in chosen.items()
        if other != id and winner.place.kind in (REGION, DISTRICT, CITY, CAPITAL)
    ]
