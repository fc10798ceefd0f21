"""Gives places their final ids, and the document its geography."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from ingest.entities.gazetteer import CITY, COUNTRY, REGION, Place, gazetteer
from ingest.entities.joining import merged_details, with_entities
from ingest.entities.lexicon import name_key
from ingest.model import EnrichedDocument, EntityDetail, Mention
from ingest.outcome import Keep, Outcome
from processors.resolve_places.coverage import Coverage
from processors.resolve_places.geo import geo_of
from processors.resolve_places.score import (
    Scored,
    Situation,
    best_place,
    home_of,
    is_inside,
    neighbours_of,
)
from processors.resolve_places.senses import senses
from processors.resolve_places.votes import count_votes, demonyms

VERSION = 2

#: The winner among the places of a name, and the runner-up, by provisional entity id.
Chosen = dict[str, tuple[Scored, Scored | None]]

_OWNER = re.compile(r"((?:[A-ZÀ-Þ][\w.-]+ ){0,2}[A-ZÀ-Þ][\w.-]+)(?:['’]s|s['’]) $")


class Options(BaseModel):
    """Options of resolve_places."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learns_coverage: bool = Field(
        True,
        description="whether the regions that a publisher writes about most are likelier in its next documents",
    )
    nationalities: bool = Field(
        False, description="whether words such as French add their country to geo.nationalities"
    )


class ResolvePlaces:
    """The enricher; ids become `place:<GeoNames id>` or `country:<ISO 3166>`, `geo` is filled."""

    engine = f"builtin@{VERSION}"

    def __init__(self, options: Options) -> None:
        self._options = options
        self._coverage = Coverage()
        gazetteer()

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]:
        """Return the document with its places resolved; unknown ones keep their provisional id."""
        votes = count_votes(document.text, document.mentions, document.language)
        common = Situation(
            votes=votes,
            publisher_country=document.publisher_country,
            publisher_home=_home_of(document.publisher_home),
            covered=self._coverage.regions(document.publisher),
            language=document.language,
        )
        chosen = _chosen(document, common)
        mentions = tuple(_with_place(mention, chosen) for mention in document.mentions)
        details = merged_details(_detail(detail, chosen) for detail in document.entity_details)
        result = with_entities(document, mentions, details)
        resolved = dict(_by_mention(mentions, chosen))
        in_title = frozenset(detail.id for detail in details if detail.is_in_title)
        dateline = next((m for m in mentions if m.rule == "dateline"), None)
        city = resolved.get(dateline.entity_id) if dateline else None
        name = city.name if city else dateline.text.title() if dateline else ""
        geo = geo_of(resolved, mentions, in_title, votes, name)
        if self._options.learns_coverage:
            self._coverage.learn(document.publisher, resolved.values())
        if self._options.nationalities:
            named = tuple(dict.fromkeys(demonyms(document.text)))
            geo = msgspec.structs.replace(geo, nationalities=named)
        return Keep(msgspec.structs.replace(result, geo=geo))


_home_of = lru_cache(maxsize=5_000)(home_of)


class Listed(NamedTuple):
    """Where names start that are in a list of regions or of countries, or said to be a region."""

    regions: frozenset[int]
    countries: frozenset[int]
    said: frozenset[int]


def _chosen(document: EnrichedDocument, common: Situation) -> Chosen:
    """Return what each name means, as far as it has a place: one sense per document.

    Chosen twice: the second time the other places of the document say where a name may be.
    """
    pinned = {m.entity_id for m in document.mentions if m.strength == "certain"}
    by_id: dict[str, list[Mention]] = {}
    for mention in document.mentions:
        # Without merge_mentions before it no mention has an entity, so none is resolved.
        if mention.type == "place" and mention.entity_id and mention.entity_id not in pinned:
            by_id.setdefault(mention.entity_id, []).append(mention)
    places = [one for one in document.mentions if one.type == "place" and one.field == "text"]
    text, language = document.text, document.language
    listed = Listed(
        frozenset(_in_lists(text, language, places, gazetteer().is_known_region)),
        frozenset(_in_lists(text, language, places, _is_country)),
        frozenset(_said_regions(text, language, places)),
    )
    names = {id: _plainest(mentions) for id, mentions in by_id.items()}
    situations = {
        id: _situation(document.text, mentions, listed, common) for id, mentions in by_id.items()
    }
    first = _winners(names, situations)
    return _winners(
        names,
        {id: one._replace(neighbours=neighbours_of(id, first)) for id, one in situations.items()},
    )


def _winners(names: dict[str, str], situations: dict[str, Situation]) -> Chosen:
    chosen = {}
    for id, name in names.items():
        winner, second = best_place(name, situations[id])
        if winner is not None:
            chosen[id] = (winner, second)
    return chosen


def _situation(
    text: str, mentions: Sequence[Mention], listed: Listed, common: Situation
) -> Situation:
    own_votes = count_votes("", mentions, common.language)
    mentions = [mention for mention in mentions if mention.field == "text"]
    starts = {mention.start for mention in mentions}
    as_region = starts & (listed.regions | listed.said)
    alone = [m for m in mentions if m.start not in listed.regions | listed.countries]
    owners = [_OWNER.search(text, max(0, one.start - 40), one.start) for one in mentions]
    return common._replace(
        homes=frozenset(home for mention in alone for home in _homes(text, mention)),
        is_region=2 * len(as_region) > len(mentions),
        is_country=2 * len(starts & listed.countries) > len(mentions),
        own_votes=own_votes,
        owners=frozenset(key for owner in owners if owner for key in _tails(owner[1])),
    )


def _tails(name: str) -> list[str]:
    """Return the folded ends of a name: of "In Cape Town" also Cape Town, and Town."""
    words = name.split()
    return [name_key(" ".join(words[start:])) for start in range(len(words))]


def _said_regions(text: str, language: str, places: Sequence[Mention]) -> Iterator[int]:
    """Yield where names start that stand for a region, by a word for it or after a city in it.

    Washington state; Spokane, Washington.
    """
    for one in places:
        if _STATE_AFTER.match(text, one.end) or _STATE_BEFORE.search(
            text, max(0, one.start - 16), one.start
        ):
            yield one.start
    for one, other in pairwise(places):
        if text[one.end : other.start] == ", " and any(
            city.place.kind >= CITY and city.place.admin and is_inside(city.place, region.place)
            for region in senses(other.text, language)
            if region.place.kind == REGION
            for city in senses(one.text, language)
        ):
            yield other.start


def _in_lists(
    text: str, language: str, places: Sequence[Mention], is_listed: Callable[[Place], bool]
) -> Iterator[int]:
    """Yield where names start that are in a list of regions, or of countries.

    Oregon, Washington and Idaho; Mali, Niger and Chad.
    """
    run: list[Mention] = []
    for one in places:
        between = text[run[-1].end : one.start] if run else ""
        is_one = any(is_listed(sense.place) for sense in senses(one.text, language))
        if run and not (is_one and between in _IN_A_LIST):
            yield from _long_run(text, run)
            run = []
        if is_one:
            run.append(one)
    yield from _long_run(text, run)


def _is_country(place: Place) -> bool:
    return place.kind == COUNTRY


def _long_run(text: str, run: Sequence[Mention]) -> Iterator[int]:
    is_joined = any(text[one.end : other.start] != ", " for one, other in pairwise(run))
    if len(run) > 2 or is_joined:
        yield from (one.start for one in run)


_IN_A_LIST = frozenset({", ", " and ", ", and ", " or ", " und ", " et ", " y ", " e ", " en "})
_STATE_AFTER = re.compile(r"['’]?s? [Ss]tate(?:wide)?\b(?! [A-Z])")
_STATE_BEFORE = re.compile(r"\b(?:state of|upstate|(?:north|south|east|west|cent)\w*) $")


def _plainest(mentions: Sequence[Mention]) -> str:
    """Return the form to look up: one that is not all capitals, if possible."""
    return next((m.text for m in mentions if not m.text.isupper()), mentions[0].text)


def _homes(text: str, mention: Mention) -> list[str]:
    """Return the folded names that follow ", " or " (": Ohio of "Springfield, Ohio"."""
    after = text[mention.end : mention.end + 40]
    if not after.startswith((", ", " (", " in ")):
        return []
    words = after[2:].removeprefix("n ").replace(")", ",").split(",")[0].split()
    if not words or not words[0][:1].isupper():
        return []
    return [name_key(" ".join(words[:width])) for width in range(min(4, len(words)), 0, -1)]


def _with_place(mention: Mention, chosen: Chosen) -> Mention:
    pair = chosen.get(mention.entity_id)
    if pair is None or mention.type != "place":
        return mention
    winner, second = pair
    parts = winner.parts
    if second is not None:
        where = second.place.country or "?"
        parts += f"; before {second.place.name} ({where}) {second.score:.1f}"
    evidence = f"{mention.evidence}; {parts}" if mention.evidence else parts
    return msgspec.structs.replace(mention, entity_id=winner.place.id, evidence=evidence)


def _detail(detail: EntityDetail, chosen: Chosen) -> EntityDetail:
    pair = chosen.get(detail.id)
    if pair is None:
        return detail
    place = pair[0].place
    forms = dict.fromkeys((place.name, *detail.forms, *gazetteer().aliases(place.row)))
    return msgspec.structs.replace(detail, id=place.id, name=place.name, forms=tuple(forms))


def _by_mention(mentions: Sequence[Mention], chosen: Chosen) -> list[tuple[str, Place]]:
    places = {winner.place.id: winner.place for winner, _ in chosen.values()}
    return [(m.entity_id, places[m.entity_id]) for m in mentions if m.entity_id in places]


def build(options: Options) -> ResolvePlaces:
    """Return the enricher, with the gazetteer loaded."""
    return ResolvePlaces(options)
