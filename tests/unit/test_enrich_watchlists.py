"""Names of config/watches.yml: what is found, what it overrides, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import ConfigError
from ingest.model import EnrichedDocument
from ingest.outcome import Keep
from processors import find_entities, match_watchlists, merge_mentions, resolve_places
from tests.builders import a_document

LISTS = """
lists:
  - name: ministers
    type: person
    names:
      - name: Anne Weller
        id: person:Q99
        aliases: [A. Weller, The Iron Gull]
        wikidata_id: Q99
  - name: harbours
    type: organisation
    case: any
    names: [Elsin Water Board]
  - name: ships
    type: organisation
    case: exact
    names:
      - Orca
      - {name: Möwe, language: de}
"""


def processor(folder: Path, text: str) -> match_watchlists.MatchWatchlists:
    (folder / "watches.yml").write_text(text, encoding="utf-8")
    return match_watchlists.build(match_watchlists.Options(), config_folder=folder)


def enriched(folder: Path, text: str, lists: str = LISTS, **changes: object) -> EnrichedDocument:
    fields = {"title": "x", "language": "en", "mentions": (), "entity_details": ()}
    document = a_document(text=text, **(fields | changes))
    for step in (
        find_entities.build(find_entities.Options(backend="builtin")),
        merge_mentions.build(merge_mentions.Options()),
        processor(folder, lists),
        resolve_places.build(resolve_places.Options()),
    ):
        outcome = step(document)
        assert isinstance(outcome, Keep)
        document = outcome.value
    return document


def test_a_hit_gives_the_entity_its_id_and_all_its_forms(tmp_path: Path) -> None:
    document = enriched(tmp_path, "Anne Weller spoke. Later Weller left.")
    (only,) = document.entity_details
    assert (only.id, only.wikidata_id, only.count) == ("person:Q99", "Q99", 2)
    assert "The Iron Gull" in document.entity_forms.person
    assert [(m.text, m.strength) for m in document.mentions] == [
        ("Anne Weller", "certain"), ("Weller", "medium"),
    ]  # fmt: skip
    assert document.watchlist.names == ("ministers",)
    hit = document.watchlist.hits[0]
    assert document.text[hit.start : hit.end] == "Anne Weller"


def test_an_alias_means_the_same_entity(tmp_path: Path) -> None:
    document = enriched(tmp_path, "The Iron Gull spoke. A. Weller is her name.")
    assert {m.entity_id for m in document.mentions} == {"person:Q99"}


def test_a_hit_overrides_what_the_engine_found_there(tmp_path: Path) -> None:
    lists = "lists: [{name: boats, type: organisation, names: [Maria Lopez]}]"
    document = enriched(tmp_path, "The Maria Lopez sank off Lisbon.", lists)
    assert [(m.type, m.text) for m in document.mentions] == [
        ("organisation", "Maria Lopez"), ("place", "Lisbon"),
    ]  # fmt: skip
    assert document.entities.person == ()


def test_only_whole_words_count(tmp_path: Path) -> None:
    assert enriched(tmp_path, "The Orcas sang; Orcadian boats left.").watchlist.names == ()
    assert enriched(tmp_path, "The Orca’s crew left.").watchlist.names == ("ships",)


def test_the_case_rule_of_the_list_decides(tmp_path: Path) -> None:
    assert enriched(tmp_path, "An orca sang. An ORCA sank.").watchlist.names == ()
    assert enriched(tmp_path, "the elsin water board met.").watchlist.names == ("harbours",)
    assert enriched(tmp_path, "ANNE WELLER WON.").watchlist.names == ("ministers",)
    assert enriched(tmp_path, "anne weller won.").watchlist.names == ()


def test_a_name_of_another_language_is_passed_over(tmp_path: Path) -> None:
    assert enriched(tmp_path, "The Möwe sailed.").watchlist.names == ()
    assert enriched(tmp_path, "Die Möwe fuhr.", language="de").watchlist.names == ("ships",)


def test_a_name_in_the_title_is_a_mention_of_the_title(tmp_path: Path) -> None:
    document = enriched(tmp_path, "Nothing else.", title="Anne Weller wins")
    assert document.watchlist.names == ("ministers",)
    assert document.watchlist.hits == ()
    assert [(m.field, m.start, m.text, m.entity_id) for m in document.mentions] == [
        ("title", 0, "Anne Weller", "person:Q99")
    ]


def test_a_listed_place_keeps_its_own_id(tmp_path: Path) -> None:
    lists = "lists: [{name: ports, type: place, names: [{name: Lisbon, id: 'place:port-1'}]}]"
    document = enriched(tmp_path, "Fog lay over Lisbon.", lists)
    assert document.entity_ids == ("place:port-1",)


def test_names_without_blanks_between_words_are_found(tmp_path: Path) -> None:
    lists = "lists: [{name: cities, type: place, names: [北京]}]"
    document = enriched(tmp_path, "中国和美国在北京举行会谈。", lists, language="zh")
    assert document.watchlist.names == ("cities",)


def test_offsets_hold_where_lower_case_is_longer(tmp_path: Path) -> None:
    text = "İİİ ẞẞ and then Anne Weller came."
    document = enriched(tmp_path, text)
    hit = document.watchlist.hits[0]
    assert text[hit.start : hit.end] == "Anne Weller"


@pytest.mark.parametrize("text", ["", "lists: []\n", "lists:\n", "watches: []\n"])
def test_without_lists_nothing_changes(tmp_path: Path, text: str) -> None:
    document = a_document(text="Anne Weller spoke.")
    outcome = processor(tmp_path, text)(document)
    assert isinstance(outcome, Keep)
    assert outcome.value == document


def test_a_missing_file_means_no_lists(tmp_path: Path) -> None:
    step = match_watchlists.build(match_watchlists.Options(), config_folder=tmp_path)
    document = a_document()
    outcome = step(document)
    assert isinstance(outcome, Keep)
    assert outcome.value == document


def test_all_faults_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        "lists:\n"
        "  - name: ships\n"
        "    type: boat\n"
        "    names: [Orca]\n"
        "  - name: people\n"
        "    type: person\n"
        "    nmaes: [Anne Weller]\n"
    )
    with pytest.raises(ConfigError) as caught:
        processor(tmp_path, text)
    lines = {fault.line for fault in caught.value.faults}
    assert {3, 7} <= lines
    assert any("names" in fault.remedy for fault in caught.value.faults)


def test_one_id_for_two_names_is_refused(tmp_path: Path) -> None:
    text = (
        "lists:\n  - name: a\n    type: person\n    names:\n"
        "      - {name: Anne Weller, id: 'person:1'}\n"
        "      - {name: Peter Hollis, id: 'person:1'}\n"
    )
    with pytest.raises(ConfigError) as caught:
        processor(tmp_path, text)
    assert caught.value.faults[0].line == 6


def test_the_shipped_file_is_valid() -> None:
    folder = Path(__file__).parent.parent.parent / "config"
    match_watchlists.build(match_watchlists.Options(), config_folder=folder)


@pytest.mark.parametrize("excluded", ["person:anne-weller", "Anne Weller", "anne weller"])
@pytest.mark.parametrize("merges_first", [True, False])
def test_an_excluded_person_is_in_no_document(
    tmp_path: Path, excluded: str, merges_first: bool
) -> None:
    text = "Anne Weller met Jon Pryce in Leeds. Later Weller left."
    document = a_document(text=text, title="x", language="en", mentions=(), entity_details=())
    match = processor(tmp_path, f"exclude: [{excluded!r}]")
    merge = merge_mentions.build(merge_mentions.Options())
    find = find_entities.build(find_entities.Options(backend="builtin"))
    for step in (find, merge, match) if merges_first else (find, match, merge):
        outcome = step(document)
        assert isinstance(outcome, Keep)
        document = outcome.value
    assert document.entities.person == ("Jon Pryce",)
    assert "Weller" not in [mention.text for mention in document.mentions]


@pytest.mark.parametrize("mark", ["Q22686", "person:Q22686", "donald trump", "дональд трамп"])
def test_a_known_entity_is_excluded_by_id_or_any_name(tmp_path: Path, mark: str) -> None:
    text = "Donald Trump met Jon Pryce."
    assert enriched(tmp_path, text, f"exclude: [{mark!r}]").entities.person == ("Jon Pryce",)
    kept = enriched(tmp_path, text, "exclude: [trump tower, q1]")
    assert kept.entities.person == ("Donald Trump", "Jon Pryce")
