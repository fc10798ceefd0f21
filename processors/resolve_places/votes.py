"""What the names of a text say about where it takes place: votes for countries and regions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from ingest.entities.gazetteer import AREA, CITY, COUNTRY, REGION, Place, country_names, gazetteer
from ingest.entities.lexicon import name_key
from ingest.model import Mention
from processors.resolve_places.senses import senses

_CAPITAL_WORD = re.compile(r"\b[A-ZÀ-Þ][^\W\d_]+(?:[ -][A-Z][a-z]+)?")

#: First words of demonyms of two words.
_FIRST_OF_TWO = frozenset({"South", "North", "New", "Sri", "Costa", "Puerto", "Saudi", "Hong",
                           "Sierra", "Cape", "Papua", "Solomon", "Saint", "St"})  # fmt: skip
#: The likeliest sense of a name votes if it is so many points ahead of those elsewhere.
A_SURE_LEAD = 1.0


class Votes(msgspec.Struct):
    """Votes by country, and by (country, code of the region)."""

    countries: Counter[str] = msgspec.field(default_factory=Counter)
    regions: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)


def count_votes(text: str, mentions: Iterable[Mention], language: str) -> Votes:
    """Return the votes of all mentions and demonyms.

    A country counts 2; a region 1 for its country and 2 for itself; any other place 1 for both; a
    demonym 1; a place inside an organisation's name 1. A name that means places in two countries
    votes for neither, in two regions for neither region.
    """
    votes = Votes()
    for mention in mentions:
        if mention.type == "place":
            vote = vote_of(mention.text, language)
            votes.countries[vote.country] += vote.for_country
            votes.regions[vote.region] += vote.for_region
        elif mention.type == "organisation":
            _votes_inside(votes, mention.text)
    for code in demonyms(text):
        votes.countries[code] += 1
    votes.countries.pop("", None)
    return votes


class Vote(NamedTuple):
    """What one name says: a country and how many votes it gets, a region of it likewise."""

    country: str = ""
    for_country: int = 0
    region: tuple[str, str] = ("", "")
    for_region: int = 0


def vote_of(name: str, language: str) -> Vote:
    """Return the vote of the name of a place."""
    known = senses(name, language)
    if not known or not known[0].place.country:
        return Vote()
    best = known[0].place
    rivals = [one.place for one in known[1:] if one.points > known[0].points - A_SURE_LEAD]
    if any(place.country != best.country for place in rivals):
        return Vote()
    vote = Vote(best.country, 2 if best.kind == COUNTRY else 1)
    namesakes = (one.place for one in known[1:] if one.place.kind == REGION)
    if best.kind in (COUNTRY, AREA) or any(
        place.admin != best.admin for place in (*rivals, *namesakes)
    ):
        return vote
    return vote._replace(
        region=(best.country, best.admin), for_region=2 if best.kind == REGION else 1
    )


def _votes_inside(votes: Votes, name: str) -> None:
    words = name.replace("’s", "").replace("'s", "").split()
    for start in range(len(words)):
        for width in (3, 2, 1):
            if start + width > len(words) or (width == len(words) and width > 1):
                continue
            if not words[start][:1].isupper():
                continue
            place = _sure(name_key(" ".join(words[start : start + width])))
            if place is not None:
                votes.countries[place.country] += 1
                break


def _sure(key: str) -> Place | None:
    """Return the only country, region or bigger city of this name."""
    places = gazetteer().named(key)
    sure = [place for place in places if place.kind in (COUNTRY, REGION)]
    big = sure or [place for place in places if place.kind >= CITY and place.population > 100_000]
    return big[0] if len(big) == 1 and big[0].country else None


def demonyms(text: str) -> Iterator[str]:
    """Yield the country of each nationality in a text: French, South Korean."""
    known = country_names("demonyms")
    for match in _CAPITAL_WORD.finditer(text):
        words = match.group()
        code = known.get(words.casefold())
        if code is not None:
            yield code
            continue
        first, _, second = words.replace("-", " ").partition(" ")
        code = known.get(first.casefold())
        if second and known.get(second.casefold()):
            yield known[second.casefold()]
        if code is not None and (first == "Saudi" or first not in _FIRST_OF_TWO):
            yield code
