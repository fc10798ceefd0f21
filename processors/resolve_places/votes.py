"""Counts which countries and regions a text speaks for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import msgspec

from ingest.model import Mention
from processors.resolve_places.gazetteer import (
    AREA,
    CAPITAL,
    CITY,
    COUNTRY,
    REGION,
    country_names,
    gazetteer,
    place_key,
)

_CAPITAL_WORD = re.compile(r"\b[A-ZÀ-Þ][^\W\d_]+(?:[ -][A-Z][a-z]+)?")

#: Demonyms of two words begin with one of these.
_FIRST_OF_TWO = frozenset({"South", "North", "New", "Sri", "Costa", "Puerto", "Saudi", "Hong",
                           "Sierra", "Cape", "Papua", "Solomon", "Saint", "St"})  # fmt: skip


_DIRECTIONS = frozenset({"north", "south", "east", "west", "northern", "southern", "eastern",
                         "western", "central"})  # fmt: skip


class Votes(msgspec.Struct):
    """Votes by country, and by (country, code of the region)."""

    countries: Counter[str] = msgspec.field(default_factory=Counter)
    regions: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)


def count_votes(text: str, mentions: Iterable[Mention]) -> Votes:
    """Return the votes: a country named 2; a region 1 for its country, 2 for itself; a demonym 1;
    a city that is the only one of its name 1; a place inside an organisation's name 1.
    """
    votes = Votes()
    for mention in mentions:
        if mention.type == "place":
            _vote_of_place(votes, place_key(mention.text))
        elif mention.type == "organisation":
            _votes_inside(votes, mention.text)
    for code in _demonyms(text):
        votes.countries[code] += 1
    return votes


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
            places = gazetteer().named(place_key(" ".join(words[start : start + width])))
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
