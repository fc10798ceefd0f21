"""The known people and organisations: who is there, by which names, and by which not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files

import pytest

from ingest.entities.known import (
    KnownEntity,
    KnownNames,
    forms_of,
    known,
    known_by_form,
    known_by_surname,
    known_names,
    lead,
    surname_keys,
)
from ingest.entities.lexicon import name_key
from ingest.entities.organisations import organisation_named, organisations


def first(name: str) -> str:
    found = known_by_form(name_key(name))
    return found[0].name if found else ""


def test_there_are_enough_people_and_organisations() -> None:
    people = organisations_ = 0
    for one in everybody():
        is_public = one.prominence >= 2 or one.wikidata_id
        people += one.type == "person" and bool(is_public)
        organisations_ += one.type == "organisation"
    assert people >= 90_000
    assert organisations_ >= 28_000


def everybody() -> Iterator[KnownEntity]:
    names = known_names()
    return (names.row(number).known for number in range(len(names)))


def test_ids_are_unique() -> None:
    ids = [one.id for one in everybody()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Donald J. Trump", "Donald Trump"),
        ("Vladimir Poutine", "Vladimir Putin"),
        ("Vladímir Putin", "Vladimir Putin"),
        ("Владимир Путин", "Vladimir Putin"),
        ("Wolodymyr Selenskyj", "Volodymyr Zelenskyy"),
        ("Volodimir Zelenski", "Volodymyr Zelenskyy"),
        ("Володимир Зеленський", "Volodymyr Zelenskyy"),
        ("习近平", "Xi Jinping"),
        ("بنيامين نتنياهو", "Benjamin Netanyahu"),
        ("Урсула фон дер Ляйен", "Ursula von der Leyen"),
        ("Kim Jong Un", "Kim Jong-un"),
        ("Papst Leo XIV.", "Leo XIV"),
        ("Recep Tayyip Erdogan", "Recep Tayyip Erdoğan"),
        ("도널드 트럼프", "Donald Trump"),
        ("Jacques Chirac", "Jacques Chirac"),
    ],
)
def test_spellings_of_people_meet(name: str, meant: str) -> None:
    assert first(name) == meant


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OTAN", "NATO"),
        ("НАТО", "NATO"),
        ("ONU", "United Nations"),
        ("ЕС", "European Union"),
        ("Europäische Kommission", "European Commission"),
        ("Comisión Europea", "European Commission"),
        ("OMS", "World Health Organization"),
        ("Hisbollah", "Hezbollah"),
        ("Deutscher Bundestag", "Bundestag"),
        ("路透社", "Reuters"),
        ("Коммерсантъ", "Kommersant"),
        ("Süddeutsche Zeitung", "Süddeutsche Zeitung"),
        ("Israel Defence Forces", "Israel Defense Forces"),
        ("FMI", "International Monetary Fund"),
        ("OpenAI", "OpenAI"),
    ],
)
def test_names_of_organisations_meet(name: str, meant: str) -> None:
    assert first(name) == meant


@pytest.mark.parametrize(
    ("surname", "meant"),
    [
        ("Trump", "Donald Trump"),
        ("Трамп", "Donald Trump"),
        ("Xi", "Xi Jinping"),
        ("Putin", "Vladimir Putin"),
        ("Poutine", "Vladimir Putin"),
        ("Selenskyj", "Volodymyr Zelenskyy"),
        ("von der Leyen", "Ursula von der Leyen"),
        ("Leyen", "Ursula von der Leyen"),
        ("bin Salman", "Mohammed bin Salman"),
        ("al-Assad", "Bashar al-Assad"),
        ("Assad", "Bashar al-Assad"),
        ("Ocasio-Cortez", "Alexandria Ocasio-Cortez"),
        ("López Obrador", "Andrés Manuel López Obrador"),
        ("Takaichi", "Sanae Takaichi"),
        ("Orbán", "Viktor Orbán"),
        ("Merkel", "Angela Merkel"),
        ("Lula", "Luiz Inácio Lula da Silva"),
        ("Macron", "Emmanuel Macron"),
    ],
)
def test_a_surname_has_a_leader(surname: str, meant: str) -> None:
    found = lead(name_key(surname))
    assert found is not None
    assert found.name == meant


@pytest.mark.parametrize("surname", ["Smith", "Kim", "Lee", "Johnson", "Clinton", "Wang", "García"])
def test_a_common_surname_has_none(surname: str) -> None:
    assert len(known_by_surname(name_key(surname))) > 1
    assert lead(name_key(surname)) is None


@pytest.mark.parametrize(
    "word", ["jinping", "jong un", "jae myung", "wladimir", "carlos", "francis", "charles iii"]
)
def test_given_and_regnal_names_are_no_surnames_of_leaders(word: str) -> None:
    assert lead(word) is None


@pytest.mark.parametrize(
    "nickname",
    ["The Donald", "David Dennison", "Bibi", "Trump", "President Trump", "POTUS",
     "Zensursula", "Nole", "vitamin C"],
)  # fmt: skip
def test_nicknames_and_lone_surnames_are_no_full_names(nickname: str) -> None:
    assert not [one for one in known_by_form(name_key(nickname)) if one.type == "person"]


def test_no_alias_is_the_name_of_somebody_more_prominent() -> None:
    names = known_names()
    rows = [row for n in range(len(names)) if (row := names.row(n)).known.type == "person"]
    mains = {row.known.name: row.known for row in reversed(rows)}
    wrong = [
        (row.known.name, form)
        for row in rows
        for form in row.forms[1:]
        if form in mains and mains[form].weight > row.known.weight
    ]
    assert wrong == []


def test_what_is_said_of_a_person() -> None:
    one = known("person:Q22686")
    assert one is not None
    assert (one.name, one.country, one.prominence) == ("Donald Trump", "US", 3)
    assert one.role == "President of the United States"
    assert "Дональд Трамп" in forms_of(one.id)
    assert known("person:Q0") is None
    assert forms_of("person:Q0") == ()


@pytest.mark.parametrize("word", ["Gap", "Visa", "Orange", "Target", "Next", "Apple", "Shell"])
def test_companies_that_are_words_need_a_second_sign(word: str) -> None:
    (form, *_) = [form for form in organisations()[word.lower()] if form.texts == (word,)]
    assert form.known.flags == "a"


def test_case_of_acronyms_is_kept() -> None:
    assert {form.texts[0] for form in organisations()["nato"]} >= {"NATO", "Nato"}


def test_a_place_that_stands_for_its_club_is_no_name_of_it() -> None:
    assert organisation_named("leicester") is None
    found = organisation_named("leicester city")
    assert found is not None
    assert found.name == "Leicester City"


def test_particles_may_be_left_out() -> None:
    assert surname_keys("von der Leyen") == ("von der leyen", "leyen")
    assert surname_keys("Ben Ali") == ("ben ali",)
    assert surname_keys("Trump") == ("trump",)


def test_the_file_is_small() -> None:
    data = files("ingest.entities") / "data" / "known.bin"
    assert len(data.read_bytes()) <= 6_000_000


_MEASURE = """
import resource
import ingest.entities.lexicon, msgspec, zstandard
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from ingest.entities.known import known_by_form
assert known_by_form("donald trump")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_loading_takes_little_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60_000


def test_loading_costs_less_than_making_the_rows() -> None:
    began = time.process_time()
    known_names.cache_clear()
    names: KnownNames = known_names()
    loaded = time.process_time() - began
    for number in range(len(names)):
        names.row(number)
    assert loaded < (time.process_time() - began) / 2
