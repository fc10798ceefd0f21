"""Tells whether a name is that of a place, and how sure that is without a context."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from processors.resolve_places.gazetteer import (
    AREA,
    COUNTRY,
    REGION,
    city_names,
    country_names,
    gazetteer,
)


class PlaceHint(NamedTuple):
    """What the place file says of a name: country, region, area or city ("" if unknown)."""

    kind: str
    population: int = 0


NOTHING = PlaceHint("")


@lru_cache(maxsize=50_000)
def place_hint(key: str, language: str = "en") -> PlaceHint:
    """Give the weightiest sense of a folded name."""
    places = gazetteer()
    if key.startswith("the "):
        key = key[4:]
    rows = places.rows(key)
    if not rows:
        if language != "en":
            if key in country_keys(language):
                return PlaceHint("country", 10_000_000)
            if key in city_keys(language):
                return PlaceHint("city", gazetteer().place(city_keys(language)[key]).population)
        return _elsewhere(key)
    found = [places.place(row) for row in rows]
    kinds = {place.kind for place in found}
    population = max(place.population for place in found)
    if COUNTRY in kinds:
        return PlaceHint("country", population)
    if REGION in kinds:
        return PlaceHint("region", population)
    if AREA in kinds:
        return PlaceHint("area", population)
    return PlaceHint("city", population)


@lru_cache(maxsize=100)
def country_keys(language: str) -> dict[str, str]:
    """Give the countries by folded name in one language."""
    from processors.resolve_places.gazetteer import place_key

    return {place_key(name): code for name, code in country_names(language).items()}


@lru_cache(maxsize=100)
def city_keys(language: str) -> dict[str, int]:
    """Give the rows of big cities by folded name in one language."""
    from processors.resolve_places.gazetteer import place_key

    return {place_key(name): row for name, row in city_names(language).items()}


def _elsewhere(key: str) -> PlaceHint:
    rows = gazetteer().alternate_rows(key)
    if not rows or len(key) < 4:
        return NOTHING
    population = max(gazetteer().place(row).population for row in rows)
    return PlaceHint("alternate", population)
