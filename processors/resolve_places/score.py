"""Chooses which place of a name is meant, by the votes of the text, and sums up the geography."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ingest.entities.gazetteer import (
    AREA,
    CAPITAL,
    CITY,
    COUNTRY,
    REGION,
    Place,
    city_names,
    country_names,
    gazetteer,
    other_scripts,
)
from ingest.entities.lexicon import name_key
from ingest.model import Geo, GeoFocus, GeoPoint, Mention

_CAPITAL_WORD = re.compile(r"\b[A-ZÀ-Þ][^\W\d_]+(?:[ -][A-Z][a-z]+)?")

#: First words of demonyms of two words.
_FIRST_OF_TWO = frozenset({"South", "North", "New", "Sri", "Costa", "Puerto", "Saudi", "Hong",
                           "Sierra", "Cape", "Papua", "Solomon", "Saint", "St"})  # fmt: skip


_DIRECTIONS = frozenset({"north", "south", "east", "west", "northern", "southern", "eastern",
                         "western", "central"})  # fmt: skip

#: Points that make up a score.
FOLLOWED_BY_HOME = 10.0
A_VOTE = 1.2
MOST_VOTES = 2
NATIONAL_CAPITAL = 1.5
OTHER_NAME = -1.0
HOME_OF_PUBLISHER = 0.5
NAMESAKE = -3.0
COUNTRY_POINTS = 7.4
#: Only a city of this size takes precedence over the region of the same name.
BIG_CITY = 500_000
#: Agency abbreviations of US states, folded, that are not their postal codes.
_STATE_SHORT = {
    "ala": "AL", "ariz": "AZ", "ark": "AR", "calif": "CA", "colo": "CO", "conn": "CT",
    "del": "DE", "fla": "FL", "ill": "IL", "ind": "IN", "kan": "KS", "mass": "MA", "mich": "MI",
    "minn": "MN", "miss": "MS", "mont": "MT", "neb": "NE", "nev": "NV", "okla": "OK",
    "ore": "OR", "tenn": "TN", "tex": "TX", "wash": "WA", "wva": "WV", "wis": "WI", "wyo": "WY",
}  # fmt: skip
#: A mention before this character is in the lead.
LEAD_CHARACTERS = 300


class Votes(msgspec.Struct):
    """Votes by country, and by (country, code of the region)."""

    countries: Counter[str] = msgspec.field(default_factory=Counter)
    regions: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)


def count_votes(text: str, mentions: Iterable[Mention]) -> Votes:
    """Return the votes of all mentions and demonyms.

    A country counts 2; a region 1 for its country and 2 for itself; a demonym 1; a city with a
    unique name 1; a place inside an organisation's name 1.
    """
    votes = Votes()
    for mention in mentions:
        if mention.type == "place":
            _vote_of_place(votes, name_key(mention.text))
        elif mention.type == "organisation":
            _votes_inside(votes, mention.text)
    for code in _demonyms(text):
        votes.countries[code] += 1
    return votes


class Scored(NamedTuple):
    """One candidate with its score and the parts of it."""

    place: Place
    score: float
    parts: str


class Situation(NamedTuple):
    """The context of a name in a document.

    `homes` are folded names of states or countries that follow after a comma; `is_after_city`: it
    mostly follows a city and a comma itself.
    """

    homes: frozenset[str]
    is_after_city: bool
    votes: Votes
    publisher_country: str = ""
    language: str = "en"


def best_place(name: str, situation: Situation) -> tuple[Scored | None, Scored | None]:
    """Return the winner among the places of this name, and the runner-up.

    A region named like a big city in it (New York) is meant only after a city.
    """
    key = name_key(name).removeprefix("the ")
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


def geo_of(
    resolved: Mapping[str, Place], mentions: Sequence[Mention], in_title: frozenset[str],
    votes: Votes, dateline: str,
) -> Geo:  # fmt: skip
    """Return the geography; `resolved` maps the entity ids of this document to places.

    Places are in the order of the text, countries by votes.
    """
    places = list(dict.fromkeys(resolved.values()))
    if not places and not votes.countries:
        return Geo()
    countries = Counter({code: count for code, count in votes.countries.items() if code})
    for place in places:
        if place.country:
            countries[place.country] += 1
    named = {place.country for place in places if place.country}
    ordered = [code for code, _ in countries.most_common() if code in named]
    ordered += [code for code, count in countries.most_common() if code not in named and count >= 2]
    return Geo(
        points=tuple(_point(p) for p in places if p.kind != COUNTRY and _has_point(p)),
        country_points=tuple(_point(p) for p in places if p.kind == COUNTRY),
        focus=_focus(resolved, mentions, in_title, countries),
        countries=tuple(ordered),
        regions=tuple(_regions(places)),
        geoname_ids=tuple(str(p.geoname_id) for p in places if p.geoname_id),
        precision=_precision(places),
        dateline=dateline,
    )


def _vote_of_place(votes: Votes, key: str) -> None:
    key = key.removeprefix("the ")
    places = gazetteer().named(key)
    while not places and key.partition(" ")[0] in _DIRECTIONS:
        key = key.partition(" ")[2]
        places = gazetteer().named(key)
    countries = [place for place in places if place.kind == COUNTRY]
    regions = [place for place in places if place.kind == REGION]
    if countries and not regions:
        votes.countries[countries[0].country] += 2
    elif len(regions) == 1 and not countries:
        votes.countries[regions[0].country] += 1
        votes.regions[regions[0].country, regions[0].admin] += 2
    elif len(places) == 1 and places[0].country and places[0].kind in (CITY, CAPITAL, AREA):
        votes.countries[places[0].country] += 1
        if places[0].kind != AREA:
            votes.regions[places[0].country, places[0].admin] += 1


def _votes_inside(votes: Votes, name: str) -> None:
    words = name.replace("’s", "").replace("'s", "").split()
    for start in range(len(words)):
        for width in (3, 2, 1):
            if start + width > len(words) or (width == len(words) and width > 1):
                continue
            if not words[start][:1].isupper():
                continue
            places = gazetteer().named(name_key(" ".join(words[start : start + width])))
            sure = [place for place in places if place.kind in (COUNTRY, REGION)]
            if len(sure) == 1 or (len(places) == 1 and places[0].population > 100_000):
                place = (sure or places)[0]
                if place.country:
                    votes.countries[place.country] += 1
                    break


def _demonyms(text: str) -> list[str]:
    known = country_names("demonyms")
    found = []
    for match in _CAPITAL_WORD.finditer(text):
        words = match.group()
        code = known.get(words.casefold())
        if code is None:
            first, _, second = words.replace("-", " ").partition(" ")
            code = known.get(first.casefold())
            if code is not None and first in _FIRST_OF_TWO:
                code = None if first not in ("Saudi",) else code
            if second and known.get(second.casefold()):
                found.append(known[second.casefold()])
        if code is not None:
            found.append(code)
    return found


def _candidates(name: str, key: str, language: str) -> list[tuple[Place, bool]]:
    """Return the places of this name, each with whether the name is from another language."""
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
        # The population of a country says nothing about its namesakes: votes decide.
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
    """Return whether one of these names is the region or country of the place."""
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
        if place.country == "US" and place.admin in (home.upper(), _STATE_SHORT.get(home)):
            return True
    return False


def _has_point(place: Place) -> bool:
    """Return whether the coordinates mean anything; those of a continent do not."""
    return place.kind != AREA or bool(place.country)


def _point(place: Place) -> GeoPoint:
    return GeoPoint(place.latitude, place.longitude)


def _precision(places: Sequence[Place]) -> str:
    kinds = {place.kind for place in places}
    if kinds & {CITY, CAPITAL}:
        return "city"
    if kinds & {REGION, AREA}:
        return "region"
    return "country" if COUNTRY in kinds else ""


def _regions(places: Sequence[Place]) -> list[str]:
    names: dict[str, None] = {}
    for place in places:
        if place.kind == REGION:
            names[place.name] = None
        elif place.admin:
            region = gazetteer().region(place.country, place.admin)
            if region is not None:
                names[region.name] = None
    return list(names)


def _focus(
    resolved: Mapping[str, Place], mentions: Sequence[Mention], in_title: frozenset[str],
    countries: Counter[str],
) -> GeoFocus | None:  # fmt: skip
    """Return the country with most votes and its city named most; title and lead count more."""
    if not countries:
        return None
    code = max(countries, key=lambda one: (countries[one], one))
    weights: Counter[Place] = Counter()
    for mention in mentions:
        place = resolved.get(mention.entity_id)
        if place is not None and place.kind in (CITY, CAPITAL) and place.country == code:
            weights[place] += 3 if mention.start < LEAD_CHARACTERS else 1
    for id, place in resolved.items():
        if id in in_title and place in weights:
            weights[place] += 2
    if weights:
        city = max(weights, key=lambda place: (weights[place], place.population))
        return GeoFocus(name=city.name, country=code, point=_point(city))
    country = gazetteer().country(code)
    if country is None:
        return None
    return GeoFocus(name=country.name, country=code, point=_point(country))
