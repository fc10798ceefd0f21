"""What a name of a place may mean: governments, areas, districts, towns, owners, lists."""

from __future__ import annotations

import pytest

from ingest.entities.gazetteer import gazetteer, is_town, place_hint
from ingest.outcome import Keep
from processors import find_entities, merge_mentions, resolve_places
from processors.resolve_places.score import home_of
from processors.resolve_places.votes import vote_of
from tests.builders import a_document
from tests.unit.test_places_scoring import ids, resolved

WASHINGTON_DC, WASHINGTON_STATE = "place:4140963", "place:5815135"


@pytest.mark.parametrize(
    ("text", "name", "id"),
    [
        ("He flew to Mexico on Monday.", "Mexico", "country:MX"),
        ("The train to Luxembourg was late.", "Luxembourg", "country:LU"),
        ("Officials in Washington said so.", "Washington", WASHINGTON_DC),
        ("Moscow and Washington agreed.", "Washington", WASHINGTON_DC),
        ("A farm in Washington state burned.", "Washington", WASHINGTON_STATE),
        ("He lives in Spokane, Washington.", "Washington", WASHINGTON_STATE),
        ("Fires in Oregon, Washington and Idaho.", "Washington", WASHINGTON_STATE),
        ("The army of Mali, Niger and Chad met.", "Niger", "country:NE"),
        ("Prices rose across Asia.", "Asia", "place:6255147"),
        ("A boat sank off Suffolk, England.", "Suffolk", "place:2636561"),
        ("It rained in Cook County, Illinois.", "Cook County", "place:4888671"),
        ("A plane landed in Oak Brook, Illinois.", "Oak Brook", "place:4904277"),
        ("The report came from Raleigh, N.C. on Monday.", "N.C.", "place:4482348"),
        ("London's Heathrow was closed.", "Heathrow", "place:gb-heathrow"),
    ],
)
def test_the_sense_that_news_means(text: str, name: str, id: str) -> None:
    assert ids(text).get(name) == id


def test_seas_and_disputed_areas_are_places_with_a_point() -> None:
    document = resolved("Ships crossed the Black Sea. Talks about the Donbas and the Gaza Strip.")
    assert set(document.entities.place) == {"Black Sea", "Donbas", "Gaza Strip"}
    assert len(document.geo.points) == 3
    assert resolved("Prices rose across Europe.").geo.points == ()


def test_what_belongs_to_a_city_lies_in_it_or_is_not_known() -> None:
    found = ids("Cape Town's Brooklyn lies south of Cape Town.")
    assert found["Brooklyn"] == "place:brooklyn"
    assert ids("A man was hurt in Brooklyn.")["Brooklyn"] == "place:us-brooklyn"


def test_what_a_country_has_to_do_with_may_lie_elsewhere() -> None:
    assert ids("Russia's Paris embassy is in Paris.")["Paris"] == "place:2988507"


def test_a_name_does_not_vote_for_itself() -> None:
    text = "Canadian police in London said that London in Ontario was safe."
    assert ids(text)["London"] == "place:6058560"


def test_a_region_and_a_capital_of_one_name_vote_for_no_region() -> None:
    assert vote_of("Washington", "en").for_region == 0
    assert vote_of("Seattle", "en").region == ("US", "WA")


def test_a_small_town_is_meant_only_where_something_says_so() -> None:
    assert not place_hint("oak brook").kind
    assert is_town("oak brook")
    assert ids("The people of Georgetown met in Dover, Delaware.")["Georgetown"] == "place:4142643"


def test_the_home_of_the_publisher_decides_between_towns() -> None:
    text = "A house burned in Springfield."
    assert ids(text, publisher_home="Dayton, Ohio")["Springfield"] == "place:4525353"
    assert ids(text, publisher_home="Hartford, Connecticut")["Springfield"] == "place:4951788"
    home = home_of("Lima, Ohio")
    assert home is not None
    assert (home.country, home.admin) == ("US", "OH")
    assert home_of("US") is None


def test_a_paper_means_its_own_town_by_the_bare_name() -> None:
    text = "Police in Lima said on Monday that a man was held."
    assert ids(text, publisher_home="Lima, Ohio")["Lima"] == "place:5160783"
    assert ids(text, publisher_home="Dayton, Ohio")["Lima"] == "place:3936456"


def test_the_regions_a_publisher_writes_about_are_learnt() -> None:
    step = resolve_places.build(resolve_places.Options())
    frozen = resolve_places.build(resolve_places.Options(learns_coverage=False))

    def springfield(resolver: resolve_places.ResolvePlaces, text: str) -> str:
        document = a_document(
            text=text, title="x", language="en", publisher="Ohio Bugle", publisher_country=""
        )
        for one in (
            find_entities.build(find_entities.Options(backend="builtin")),
            merge_mentions.build(merge_mentions.Options()),
            resolver,
        ):
            outcome = one(document)
            assert isinstance(outcome, Keep)
            document = outcome.value
        return {m.text: m.entity_id for m in document.mentions}.get("Springfield", "")

    for resolver in (step, frozen):
        for _ in range(12):
            springfield(resolver, "Trams stopped in Columbus and in Dayton and in Cleveland.")
    assert springfield(step, "A house burned in Springfield.") == "place:4525353"
    assert springfield(frozen, "A house burned in Springfield.") != "place:4525353"


def test_nationalities_are_counted_apart_if_asked_for() -> None:
    text = "French and South Korean ministers met in Lisbon."
    assert resolved(text).geo.nationalities == ()
    step = resolve_places.build(resolve_places.Options(nationalities=True))
    outcome = step(resolved(text))
    assert isinstance(outcome, Keep)
    geo = outcome.value.geo
    assert geo.nationalities == ("FR", "KR")
    assert len(geo.points) == 1


def test_the_focus_says_why_and_what_came_next() -> None:
    focus = resolved("Lisbon and Porto in Portugal; a plane came from Madrid.").geo.focus
    assert focus is not None
    assert (focus.name, focus.country) == ("Lisbon", "PT")
    assert "PT" in focus.reason
    assert "ES" in focus.runner_up


def test_states_and_counties_are_in_the_gazetteer_with_points() -> None:
    places = gazetteer()
    counties = {place.admin for place in places.named("suffolk county")}
    assert {"NY", "MA"} <= counties
    ohio = places.region("US", "OH")
    assert ohio is not None
    assert (round(ohio.latitude), round(ohio.longitude)) == (40, -83)
    assert places.is_known_region(ohio)
    russia = places.country("RU")
    assert russia is not None
    assert (russia.latitude, russia.longitude) == (60.0, 100.0)


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("de", "Die USA und Bayern, sagte Großbritanniens Ministerin in Würzburg.",
         {"United States", "Bavaria", "United Kingdom", "Würzburg"}),
        ("ru", "Президент прибыл из Москвы в Германию, а из Украины в США.",
         {"Moscow", "Germany", "Ukraine", "United States"}),
        ("pl", "Premier wrócił z Niemiec do Warszawy i mówił o Ukrainie.",
         {"Germany", "Warsaw", "Ukraine"}),
        ("uk", "Він поїхав з Києва до Польщі.", {"Kyiv", "Poland"}),
        ("fr", "Le ministre est en Basse-Saxe et aux États-Unis.", {"United States"}),
    ],
)  # fmt: skip
def test_countries_regions_and_cities_in_their_language_and_cases(
    language: str, text: str, wanted: set[str]
) -> None:
    assert wanted <= set(resolved(text, language=language).entities.place)


@pytest.mark.parametrize(
    "text",
    ["John Roe, 34, of Piqua, was held.", "Jane Miller of Piqua spoke.", "A Piqua man was hurt."],
)
def test_people_say_where_a_town_is_meant(text: str) -> None:
    assert "Piqua" in ids(text)
