"""Sums up where a document takes place: points, countries, regions, focus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ingest.entities.gazetteer import (
    AREA,
    CAPITAL,
    CITY,
    COUNTRY,
    DISTRICT,
    REGION,
    Place,
    gazetteer,
)
from ingest.model import Geo, GeoFocus, GeoPoint, Mention
from processors.resolve_places.votes import Votes

#: Areas without a point on the map.
_WIDE = frozenset(
    {"Africa", "Asia", "Europe", "North America", "South America", "Latin America",
     "Central America", "Oceania", "Antarctica", "Arctic", "Americas", "Middle East", "Far East",
     "Southeast Asia", "East Asia", "South Asia", "Central Asia", "West Asia", "North Asia",
     "West Africa", "East Africa", "North Africa", "Southern Africa", "Central Africa",
     "Sub-Saharan Africa", "Eastern Europe", "Western Europe", "Central Europe",
     "Northern Europe", "Southern Europe", "Southeast Europe", "Sahel", "Sahara", "Caribbean",
     "Atlantic", "Pacific", "Indian Ocean", "Arctic Ocean", "Mediterranean", "Polynesia",
     "Melanesia", "West Indies", "Great Plains", "Siberia"}
)  # fmt: skip
#: A mention before this character is in the lead.
LEAD_CHARACTERS = 300


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


def _has_point(place: Place) -> bool:
    """Return whether the coordinates mean anything; those of a continent do not."""
    return place.kind != AREA or place.name not in _WIDE


def _point(place: Place) -> GeoPoint:
    return GeoPoint(place.latitude, place.longitude)


def _precision(places: Sequence[Place]) -> str:
    kinds = {place.kind for place in places}
    if kinds & {CITY, CAPITAL}:
        return "city"
    if kinds & {REGION, DISTRICT, AREA}:
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
    """Return the country with most votes and its city named most, with why and what came next.

    Title and lead count more.
    """
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
    cities = sorted(weights, key=lambda place: (weights[place], place.population), reverse=True)
    main = cities[0] if cities else gazetteer().country(code)
    if main is None:
        return None
    others = [f"{other} {count}" for other, count in countries.most_common(2) if other != code]
    others += [f"{city.name} {weights[city]}" for city in cities[1:2]]
    reason = f"votes {code} {countries[code]}"
    if cities:
        reason += f", {main.name} {weights[main]} for its mentions"
    return GeoFocus(name=main.name, country=code, point=_point(main), reason=reason,
                    runner_up=", ".join(others))  # fmt: skip
