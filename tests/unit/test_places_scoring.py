"""Which place of a name is meant: the scoring rule against "the largest one"."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from ingest.entities.gazetteer import gazetteer
from ingest.entities.lexicon import name_key
from ingest.model import EnrichedDocument
from ingest.outcome import Keep
from processors import find_entities, merge_mentions, resolve_places
from tests.builders import a_document

CHAIN = (
    find_entities.build(find_entities.Options(backend="builtin")),
    merge_mentions.build(merge_mentions.Options()),
    resolve_places.build(resolve_places.Options()),
)


def resolved(text: str, **changes: object) -> EnrichedDocument:
    fields = {"title": "x", "language": "en", "publisher_country": "", "mentions": ()}
    document = a_document(text=text, **(fields | changes))
    for step in CHAIN:
        outcome = step(document)
        assert isinstance(outcome, Keep)
        document = outcome.value
    return document


def ids(text: str, **changes: object) -> dict[str, str]:
    return {m.text: m.entity_id for m in resolved(text, **changes).mentions if m.type == "place"}


class Case(NamedTuple):
    """A snippet, the name in it, and what it must become: country, region code or id."""

    text: str
    name: str
    country: str
    admin: str = ""
    is_country: bool = False


CASES = (
    Case("The mayor of Paris, Texas, resigned.", "Paris", "US", "TX"),
    Case("Rain fell in Paris on the French capital's bridges.", "Paris", "FR", "11"),
    Case("A fire broke out in Springfield, Illinois, at night.", "Springfield", "US", "IL"),
    Case("Springfield, Mo. residents voted. Missouri counts by hand.", "Springfield", "US", "MO"),
    Case("In Birmingham, Alabama, the steel mill closed.", "Birmingham", "US", "AL"),
    Case("The British trains to Birmingham were late, said a man in Birmingham.", "Birmingham",
         "GB", "ENG"),
    Case("Canadian police in London said Ontario was safe.", "London", "CA", "08"),
    Case("The minister flew to London.", "London", "GB", "ENG"),
    Case("Tbilisi protests grew as Georgia's Georgian police looked on.", "Georgia", "GE",
         is_country=True),
    Case("Voters in Atlanta queued all day; Georgia is a swing state of the United States.",
         "Georgia", "US", "GA"),
    Case("The Australian harbour of Newcastle was closed, New South Wales said.", "Newcastle",
         "AU", "02"),
    Case("Spanish firefighters came to Córdoba in Andalusia.", "Córdoba", "ES", "51"),
    Case("Argentina's second city is Córdoba.", "Córdoba", "AR", "05"),
    Case("A quake hit Santiago, the capital of Chile.", "Santiago", "CL", "12"),
    Case("The Venezuelan port of Valencia was dark. Venezuela blamed sabotage.", "Valencia",
         "VE", "07"),
    Case("Floods in Valencia killed three, Spanish officials said. Spain mourned.", "Valencia",
         "ES", "60"),
    Case("In Cambridge, Massachusetts, the lab reopened.", "Cambridge", "US", "MA"),
    Case("The English town of Cambridge voted. England cheered.", "Cambridge", "GB", "ENG"),
    Case("They met in Kiev.", "Kiev", "UA", "12"),
    Case("Stocks closed lower in New York.", "New York", "US", "NY"),
    Case("She was born in Hyderabad, Pakistan.", "Hyderabad", "PK", "05"),
    Case("Indian engineers moved to Hyderabad; Telangana built roads.", "Hyderabad", "IN", "40"),
    Case("The Irish harbour of Cork was calm. Ireland rested.", "Cork", "IE", "M"),
    Case("He flew to San Jose, California, on Monday.", "San Jose", "US", "CA"),
    Case("Costa Rica's government in San José declined. Costa Rican teachers struck.", "San José",
         "CR", "08"),
    Case("The Nigerian city of Lagos grew by a million.", "Lagos", "NG", "05"),
    Case("The Jordanian army closed the road from Jordan to Iraq.", "Jordan", "JO",
         is_country=True),
    Case("Melbourne, Florida, was hit by the storm.", "Melbourne", "US", "FL"),
)  # fmt: skip


def _is_right(case: Case) -> bool:
    id = ids(case.text).get(case.name, "")
    wanted = [
        place.id
        for place in gazetteer().named(name_key(case.name))
        if place.country == case.country
        and (not case.admin or place.admin == case.admin)
        and (place.kind == 0) == case.is_country
    ]
    return id in wanted


def _largest_is_right(case: Case) -> bool:
    places = gazetteer().named(name_key(case.name))
    largest = max(places, key=lambda place: place.population)
    return largest.country == case.country and (not case.admin or largest.admin == case.admin)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}, {case.country}")
def test_the_place_that_is_meant_wins(case: Case) -> None:
    assert _is_right(case), ids(case.text)


def test_the_rule_beats_taking_the_largest_by_far() -> None:
    by_rule = sum(_is_right(case) for case in CASES)
    by_size = sum(_largest_is_right(case) for case in CASES)
    print(f"places right: {by_rule} of {len(CASES)}; largest only: {by_size}")
    assert by_rule - by_size >= len(CASES) // 10


def test_the_evidence_names_the_parts_and_the_runner_up() -> None:
    document = resolved("The mayor of Paris, Texas, resigned.")
    evidence = next(m.evidence for m in document.mentions if m.text == "Paris")
    assert "followed by its home +10.0" in evidence
    assert "before Paris (FR)" in evidence


def test_the_publishers_country_tips_the_scale() -> None:
    text = "Police closed the road to Hamilton at noon, as fans drove from Hamilton."
    canada = ids(text, publisher_country="CA").get("Hamilton")
    zealand = ids(text, publisher_country="NZ").get("Hamilton")
    assert canada is not None
    assert {canada, zealand} != {None}


def test_a_name_has_one_sense_in_a_document() -> None:
    text = "Paris, Texas, is small. In Paris people wait."
    found = [m.entity_id for m in resolved(text).mentions if m.text == "Paris"]
    assert len(found) == 2
    assert len(set(found)) == 1
