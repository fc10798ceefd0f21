"""The places that a name may mean, each with what it weighs before the text is asked."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from ingest.entities.gazetteer import (
    AREA,
    CAPITAL,
    CITY,
    COUNTRY,
    DISTRICT,
    REGION,
    Place,
    city_names,
    country_names,
    folded,
    gazetteer,
    other_scripts,
)
from ingest.entities.lexicon import name_key

#: A whole country, a continent or a sea; the population of a country says nothing about its
#: namesakes.
COUNTRY_POINTS = 7.6
#: Another area of our own list: a mountain range, a part of a city.
AREA_POINTS = 6.5
#: At least so much weighs a region that is known all over the world, however few live there.
REGION_POINTS = 7.4
NATIONAL_CAPITAL = 1.5
OTHER_NAME = -2.0
#: A district is less often meant than a town of as many people.
DISTRICT_POINTS = -0.7
#: A region named like its capital or a big city in it: New York, Washington.
NAMESAKE = -3.0
#: The capital or a region of a country of the same name: Mexico, Luxembourg.
COUNTRY_OF_THIS_NAME = -10.0
#: A place named like a country or known region elsewhere: Lebanon, Florida.
NAMED_AFTER = -3.0
#: A small one named like a big city: papers there say which they mean.
BIG_NAMESAKE = -2.0
#: A city takes precedence over its region from this size on, or as this part of the region.
BIG_CITY = 500_000
BIG_PART = 0.2

#: What a name means in world news although a bigger place has it, or a city takes precedence.
USUAL = 1.5
_USUAL = {"durham": ("GB", CITY), "newcastle upon tyne": ("GB", CITY),
          "norfolk": ("GB", DISTRICT), "quebec": ("CA", REGION), "surrey": ("GB", DISTRICT),
          "valencia": ("ES", CITY), "york": ("GB", CITY), "cambridge": ("GB", CITY)}  # fmt: skip

#: Abbreviations of US states and Canadian provinces, folded, that are not their postal codes or
#: whose codes in GeoNames are others.
ABBREVIATED = {
    "ala": ("US", "AL"), "ariz": ("US", "AZ"), "ark": ("US", "AR"), "calif": ("US", "CA"),
    "cal": ("US", "CA"), "colo": ("US", "CO"), "conn": ("US", "CT"), "del": ("US", "DE"),
    "fla": ("US", "FL"), "ill": ("US", "IL"), "ind": ("US", "IN"), "kan": ("US", "KS"),
    "mass": ("US", "MA"), "mich": ("US", "MI"), "minn": ("US", "MN"), "miss": ("US", "MS"),
    "mont": ("US", "MT"), "neb": ("US", "NE"), "nev": ("US", "NV"), "okla": ("US", "OK"),
    "ore": ("US", "OR"), "tenn": ("US", "TN"), "tex": ("US", "TX"), "wash": ("US", "WA"),
    "wva": ("US", "WV"), "wis": ("US", "WI"), "wyo": ("US", "WY"), "penn": ("US", "PA"),
    "penna": ("US", "PA"), "ont": ("CA", "08"), "on": ("CA", "08"), "que": ("CA", "10"),
    "qc": ("CA", "10"), "bc": ("CA", "02"), "alta": ("CA", "01"), "ab": ("CA", "01"),
    "man": ("CA", "03"), "sask": ("CA", "11"), "nsw": ("AU", "02"), "vic": ("AU", "07"),
    "qld": ("AU", "04"), "tas": ("AU", "06"),
}  # fmt: skip
_DIRECTIONS = frozenset(
    {"north", "south", "east", "west", "northern", "southern", "eastern", "western", "central",
     "northeast", "northwest", "southeast", "southwest", "northeastern", "northwestern",
     "southeastern", "southwestern", "north eastern", "inner", "outer", "downtown", "upstate",
     "mainland", "rural", "greater"}
)  # fmt: skip
_REGION_WORDS = frozenset({"province", "state", "region", "oblast", "governorate", "prefecture",
                           "department", "county", "district", "canton", "emirate", "territory",
                           "republic", "voivodeship", "krai", "division", "raion"})  # fmt: skip
_CITY_WORDS = frozenset({"city", "town", "village", "municipality"})


class Sense(NamedTuple):
    """A place with the points that its name alone gives it, and why."""

    place: Place
    points: float
    reasons: tuple[tuple[str, float], ...]


@lru_cache(maxsize=20_000)
def senses(name: str, language: str) -> tuple[Sense, ...]:
    """Return the places that a name may mean, the most likely first.

    A direction or the word for its kind is left out if nothing has the whole name: northern Iraq,
    Hunan Province, the city of Basra.
    """
    key = name_key(name).removeprefix("the ")
    if key in _DIRECTIONS or (key in ("us", "uk", "uae") and not _is_short(name)):
        return ()
    found = _named(name, key, language)
    if _is_short(name) or name.endswith("."):
        found = [pair for pair in found if pair[0].kind < DISTRICT] + _state(key)
    if not found:
        found = _without_kind(key, language)
    while not found and key.partition(" ")[0] in _DIRECTIONS:
        key = key.partition(" ")[2]
        found = _named(key, key, language)
    return tuple(sorted(_weighed(found), key=lambda one: -one.points))


def _is_short(name: str) -> bool:
    """Return whether this is an abbreviation in capitals: US, N.Y."""
    letters = name.replace(".", "")
    return letters.isupper() and len(letters) <= 3


def _state(key: str) -> list[tuple[Place, bool]]:
    """Return the US state or Canadian province that is abbreviated so."""
    country, code = ABBREVIATED.get(key, ("US", key.upper()))
    region = gazetteer().region(country, code)
    return [(region, False)] if region is not None else []


def _named(name: str, key: str, language: str) -> list[tuple[Place, bool]]:
    """Return the places of this name, each with whether the name is from another language."""
    places = gazetteer()
    found = [(place, False) for place in places.named(key)]
    found += [(place, True) for place in places.named_elsewhere(key)]
    form = folded(name)
    if language not in ("", "en"):
        country = places.country(country_names(language).get(form, ""))
        if country is not None:
            found = [pair for pair in found if pair[0] != country] + [(country, False)]
        row = city_names(language).get(form)
        if row is not None:
            found = [pair for pair in found if pair[0].row != row] + [(places.place(row), False)]
    if not found and not name.isascii():
        rows = other_scripts().get(form, [])
        found = [(places.place(row), False) for row in ([rows] if isinstance(rows, int) else rows)]
    return found


def _without_kind(key: str, language: str) -> list[tuple[Place, bool]]:
    head, _, last = key.rpartition(" ")
    first, _, tail = key.partition(" ")
    if last not in _REGION_WORDS | _CITY_WORDS:
        last, head = first, tail.removeprefix("of ")
    if last not in _REGION_WORDS | _CITY_WORDS or not head:
        return []
    found = _named(head, head, language)
    kinds = (CITY, CAPITAL) if last in _CITY_WORDS else (REGION, DISTRICT, COUNTRY)
    return [pair for pair in found if pair[0].kind in kinds] or found


def _weighed(found: list[tuple[Place, bool]]) -> list[Sense]:
    countries = {place.country for place, _ in found if place.kind == COUNTRY}
    known = gazetteer().is_known_region
    has_region = any(known(place) for place, _ in found)
    cities = [place for place, _ in found if place.kind in (CITY, CAPITAL)]
    has_big_city = any(_is_big(city) for city in cities)
    result = []
    for place, is_other in found:
        size = _size(place)
        reasons = [
            max(size, ("known region", REGION_POINTS), key=_points) if known(place) else size
        ]
        if place.kind == CAPITAL:
            reasons.append(("capital", NATIONAL_CAPITAL))
        if place.kind != COUNTRY and place.country in countries:
            reasons.append(("country of this name", COUNTRY_OF_THIS_NAME))
        elif place.kind >= DISTRICT and (countries or has_region) and not _is_big(place):
            reasons.append(("named after a country or region", NAMED_AFTER))
        if place.kind == CITY and place.population < 50_000 and has_big_city:
            reasons.append(("bigger city of this name", BIG_NAMESAKE))
        if place.kind == REGION and any(_outshines(city, place) for city in cities):
            reasons.append(("city of this name", NAMESAKE))
        if _USUAL.get(name_key(place.name)) == (place.country, place.kind):
            reasons.append(("usual", USUAL))
        if is_other:
            reasons.append(("other name", OTHER_NAME))
        result.append(Sense(place, sum(points for _, points in reasons), tuple(reasons)))
    return result


def _points(reason: tuple[str, float]) -> float:
    return reason[1]


def _size(place: Place) -> tuple[str, float]:
    if place.kind == COUNTRY:
        return ("country", COUNTRY_POINTS)
    if place.kind == AREA:
        return ("area", AREA_POINTS if place.country else COUNTRY_POINTS)
    points = math.log10(max(place.population, 10))
    return ("population", points + DISTRICT_POINTS if place.kind == DISTRICT else points)


def _is_big(place: Place) -> bool:
    return place.kind == CAPITAL or place.population >= BIG_CITY


def _outshines(city: Place, region: Place) -> bool:
    """Return whether a city, not the region of the same name, is meant when nothing else tells."""
    if city.country != region.country:
        return False
    is_inside = city.admin == region.admin
    is_big = city.population >= min(BIG_CITY, BIG_PART * region.population)
    return city.kind == CAPITAL or (is_inside and is_big)
