"""What a document's places become: ids, names, points, focus, dateline."""

from __future__ import annotations

from ingest.entities.gazetteer import gazetteer
from tests.unit.test_places_scoring import resolved


def test_provisional_ids_are_replaced_everywhere() -> None:
    document = resolved("Trains from Lisbon to Madrid stopped. Portugal and Spain talked.")
    ids = {m.entity_id for m in document.mentions}
    assert ids == {"place:2267057", "place:3117735", "country:PT", "country:ES"}
    assert set(document.entity_ids) == ids
    assert {detail.id for detail in document.entity_details} == ids


def test_two_forms_of_one_place_become_one_entity() -> None:
    document = resolved("Rain hit Kiev in the night. In Kyiv trams stopped.")
    (only,) = document.entity_details
    assert only.name == "Kyiv"
    assert only.count == 2
    assert {"Kyiv", "Kiev"} <= set(only.forms)
    assert document.entities.place == ("Kyiv",)
    assert document.entity_ids == ("place:703448",)


def test_a_country_is_found_by_all_its_english_names() -> None:
    document = resolved("Ministers in the UK and in Britain agreed.")
    (only,) = document.entity_details
    assert (only.id, only.name, only.count) == ("country:GB", "United Kingdom", 2)
    assert {"UK", "Britain"} <= set(document.entity_forms.place)


def test_an_unknown_place_keeps_its_own_id() -> None:
    document = resolved("The boat sank in the Torvald River.")
    assert document.entity_ids == ("place:torvald-river",)
    assert document.geo.points == ()


def test_points_of_whole_countries_stand_apart() -> None:
    document = resolved("Doctors flew from Lisbon to Kenya.")
    assert len(document.geo.points) == 1
    assert len(document.geo.country_points) == 1
    point = document.geo.points[0]
    assert (round(point.lat), round(point.lon)) == (39, -9)
    assert document.geo.precision == "city"
    assert document.geo.geoname_ids == ("2267057", "192950")


def test_continents_have_no_point() -> None:
    document = resolved("Prices rose across Europe and in Kenya.")
    assert document.geo.points == ()
    assert document.geo.precision in ("country", "region")


def test_the_focus_is_the_country_with_most_votes_and_its_city() -> None:
    document = resolved(
        "In Lisbon trams stopped. Portugal's minister spoke; Portuguese unions in Lisbon did not. "
        "A plane from Madrid was late."
    )
    assert document.geo.focus is not None
    assert (document.geo.focus.name, document.geo.focus.country) == ("Lisbon", "PT")
    assert document.geo.countries[0] == "PT"


def test_nationalities_vote_but_are_no_places() -> None:
    document = resolved("Portuguese and Portuguese-born doctors met Portuguese nurses.")
    assert document.entities.place == ()
    assert document.geo.countries == ("PT",)
    assert document.geo.points == ()


def test_a_place_inside_an_organisation_votes_but_is_not_mapped() -> None:
    document = resolved("The University of Lisbon and the Bank of Portugal agreed.")
    assert document.entities.place == ()
    assert document.geo.points == ()
    assert document.geo.countries == ("PT",)


def test_the_dateline_is_kept_by_its_real_name() -> None:
    document = resolved("SAO PAULO, Brazil (AP) — A bus burned on Monday.")
    assert document.geo.dateline == "São Paulo"
    assert document.geo.countries == ("BR",)


def test_regions_are_named() -> None:
    document = resolved("A dam broke near Munich. Bavaria asked for help.")
    assert document.geo.regions == ("Bavaria",)


def test_a_document_without_places_has_an_empty_geography() -> None:
    document = resolved("Nothing happened anywhere.")
    assert document.geo.points == ()
    assert document.geo.focus is None
    assert document.geo.countries == ()


def test_the_place_file_holds_what_the_design_asks_for() -> None:
    places = gazetteer()
    kinds = [places.place(row).kind for row in range(len(places))]
    assert len(kinds) > 34_000
    assert kinds.count(0) > 240
    assert kinds.count(1) > 200
    assert places.country("KE") is not None
    assert all(-90 <= places.place(row).latitude <= 90 for row in range(0, len(places), 97))


def test_cities_are_known_by_their_names_in_other_languages() -> None:
    german = resolved("Der Zug nach München und Wien fiel aus.", language="de")
    assert set(german.entities.place) == {"Munich", "Vienna"}
    chinese = resolved("中国和美国在北京举行会谈。", language="zh")
    assert set(chinese.entity_ids) == {"country:CN", "country:US", "place:1816670"}
