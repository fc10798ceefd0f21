"""The people of public life, from open lists and from our own."""

from __future__ import annotations

import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from ingest.entities.gazetteer import gazetteer
from ingest.entities.known import form_key
from ingest.entities.lexicon import name_key, word_lists
from known_names.names import (
    LEFT_OUT,
    TITLES,
    Entity,
    country_code,
    counts,
    distinct,
    facts,
    is_latin,
    marked,
    most_read,
    script_of,
    straight,
    surnames_of,
    table,
    words,
)

_HEADS = re.compile(
    r"(President|Prime Minister|Premier|Chancellor|Supreme Leader|King|Emir|Crown Prince|Pope"
    r"|Taoiseach|leader of North Korea|President of Russia)\b(?!.*(Senate|Assembly|World Bank|"
    r"Bundesbank|Parliament|FIFA|UEFA|IOC|Catalonia|Community|Ontario|Exchequer))"
)
#: Words before the names of heads of state in the Factbook that are no part of them.
_OFFICES = words(
    "commission president assembly people's ministers minister leader taliban prefect territorial "
    "council high commissioner general commonwealth superior confederation swiss affairs gnu capt "
    "marshal air vice-marshal cabinet prime interim gen sr political lieutenant-governor dame king "
    "mann"
)
_TITLE = re.compile(r"(?:Dr|Mrs?|Ms|Prof|Hon|Rev|Justice|Pastor|Shri|Smt)\.? (?=.+ )")
#: The weight of the wives and husbands of leaders, and of leaders of former times.
_BESIDE = 28
#: Most forms kept for a person, by prominence.
_MOST = (2, 2, 4, 14)


def people(lists: Path) -> list[Entity]:
    """Return the people of prominence 2 and more or with an id."""
    leaders = _leaders(lists)
    own = {one.name for one in leaders}
    rows = [
        row
        for row in table(lists / "people" / "people.tsv.gz")
        if _is_wanted(row) or row["name"] in own
    ]
    sure = most_read("people")
    rows += [row for row in _untyped(lists) if row["name"] in sure]
    weights: dict[str, int] = {}
    families: Counter[str] = Counter()
    for row in table(lists / "people" / "people.tsv.gz"):
        key = name_key(row["name"])
        weights[key] = max(weights.get(key, 0), _weight(row))
        families[key.split(" ")[-1]] += 1
    common = {name for name, count in families.items() if count > 4}
    found = [one for row in rows if (one := _person(row, weights, common)) is not None]
    merged = list(_merged(found, leaders))
    mains: dict[str, int] = {}
    for one in merged:
        key = form_key(one.name)
        mains[key] = max(mains.get(key, 0), one.weight)
    for one in merged:
        one.forms = [form for form in one.forms if mains.get(form_key(form), -1) <= one.weight]
    return merged


def _untyped(lists: Path) -> Iterator[dict[str, str]]:
    for row in table(lists / "qrank2022-untyped.tsv.gz"):
        yield row | {"sources": "qrank2022", "prominence": "3", "country": "", "role": "",
                     "years": ""}  # fmt: skip


def _is_wanted(row: dict[str, str]) -> bool:
    if set(row["sources"].split(",")) <= LEFT_OUT:
        return False
    return bool(row["qid"]) or int(row["prominence"]) >= 2


def _weight(row: dict[str, str]) -> int:
    """Return how well known a person is, from prominence, lists and spellings."""
    sources = set(row["sources"].split(",")) - LEFT_OUT
    aliases = len(row["aliases"].split("|"))
    return (
        (0, 2, 4, 8)[int(row["prominence"])]
        + 12 * ("qrank2022" in sources)
        + 12 * ("factbook2026" in sources)
        + 2 * len(sources)
        + min(aliases, 40) // 8
    )


def _person(row: dict[str, str], weights: dict[str, int], common: set[str]) -> Entity | None:
    name = _without_office(straight(row["name"]), row)
    country = country_code(row["country"])
    if (
        not name
        or gazetteer().named(name_key(name))
        or name.startswith("The ")
        or (is_latin(name) and not name[0].isupper())
    ):
        return None
    surnames = surnames_of(name, country)
    key = name_key(name)
    if " " not in name and is_latin(name) and (not surnames or key in word_lists("en").months):
        return None
    weight = _weight(row)
    prominence = int(row["prominence"])
    entity = Entity(
        type="P", name=name, wikidata_id=row["qid"], role=_role(row["role"]), country=country,
        prominence=prominence, years=row["years"], weight=weight, surnames=surnames,
    )  # fmt: skip
    forms = [
        alias
        for alias in map(straight, row["aliases"].split("|"))
        if counts(alias, name, surnames, common) and weights.get(name_key(alias), -1) <= weight
    ]
    forms.sort(key=is_latin)
    entity.forms = distinct(forms)[: _MOST[prominence]]
    for form in entity.forms:
        if script_of(form) in ("CYRILLIC", "ARABIC", "HEBREW", "GREEK") and surnames:
            entity.surnames += surnames_of(form, country)[:1]
    return entity


def _without_office(name: str, row: dict[str, str]) -> str:
    """Return a name without titles; of the Factbook, without the office that stands before it."""
    while (head := _TITLE.match(name)) is not None:
        name = name[head.end() :]
    if row["qid"] or "factbook2026" not in row["sources"]:
        return name
    words = name.split()
    for place in range(len(words) - 2, 0, -1):
        is_office = name_key(words[place - 1]) in _OFFICES or words[place - 1].endswith(".")
        if is_office and len(words[place - 1]) > 2:
            words = words[place:]
            break
    for width in (2, 1):
        if len(words) > width + 1 and country_code(" ".join(words[:width])):
            words = words[width:]
    return " ".join(word.title() if word.isupper() and len(word) > 3 else word for word in words)


def _role(text: str) -> str:
    """Return the most telling role of a list of roles."""
    roles = [role for role in text.split("; ") if role]
    return next((role for role in roles if role != "politician"), roles[0] if roles else "")[:70]


def _leaders(lists: Path) -> list[Entity]:
    """Return the people of our own list."""
    ids = {name_key(row["name"]): row["qid"] for row in _untyped(lists)}
    found = []
    for text, country, role, forms in facts("leaders.tsv"):
        name, family = marked(text)
        is_former = role.startswith("former")
        weight = 50 if is_former else 60 + 25 * bool(_HEADS.match(role))
        if role.startswith(("First Lady", "late")):
            weight = _BESIDE
        entity = Entity(
            type="P", name=name, wikidata_id=ids.get(name_key(name), ""),
            role=re.sub("^late ", "former ", role),
            country=country, prominence=3, weight=weight,
        )  # fmt: skip
        for form in (text, *forms.split("|")):
            written, one = marked(form)
            entity.forms.append(written)
            if one is None and family != "":
                one = _family_name(written, text, family)
            if one:
                entity.surnames.append(one)
        entity.forms = distinct(entity.forms)[1:]
        entity.surnames = distinct(entity.surnames)
        found.append(entity)
    return found


def _family_name(form: str, marked_main: str, family: str | None) -> str:
    """Return the family name in an unmarked form: in the place where the main name has it."""
    words = re.split(r"[ ·・]", form)
    if marked_main == f"*{family}":
        return form
    if len(words) == 1:
        return ""
    return words[0] if marked_main.startswith("*") else words[-1]


def _merged(found: list[Entity], leaders: list[Entity]) -> Iterator[Entity]:
    """Yield the people with those of the same name and country joined; our own list leads."""
    places: dict[str, list[Entity]] = defaultdict(list)
    for one in found:
        for form in (one.name, *one.forms):
            if is_latin(form):
                places[form_key(form)].append(one)
    longer: dict[str, list[Entity]] = defaultdict(list)
    for one in found:
        if not one.wikidata_id and one.prominence == 3:
            longer[one.country].append(one)
    gone: set[int] = set()
    for leader in leaders:
        own = [form_key(form) for form in (leader.name, *leader.forms) if is_latin(form)]
        same = [one for key in own for one in places[key] if id(one) not in gone]
        same = [one for one in same if one.country in ("", leader.country) or one.weight > 15]
        same += [one for one in longer[leader.country] if _holds(one, leader)]
        same.sort(key=lambda one: (form_key(one.name) not in own, not one.wikidata_id, -one.weight))
        for one in same:
            if id(one) not in gone and _are_one(leader, one, own):
                gone.add(id(one))
                _join(leader, one)
                if leader.weight != _BESIDE and one.weight > 15:
                    leader.weight = min(99, leader.weight + one.weight // 3)
        yield leader
    firsts: dict[tuple[str, str], Entity] = {}
    for one in sorted(found, key=lambda one: (not one.wikidata_id, -one.weight)):
        if id(one) in gone:
            continue
        key = name_key(one.name)
        first = firsts.get((key, one.country)) or (None if one.country else firsts.get((key, "")))
        if first is not None and not (first.wikidata_id and one.wikidata_id):
            _join(first, one)
            continue
        firsts.setdefault((key, one.country), one)
        firsts.setdefault((key, ""), one)
        yield one


def _are_one(leader: Entity, one: Entity, own: list[str]) -> bool:
    """Return whether an entry is the leader: by its main name, or without an id of its own."""
    if one.wikidata_id and leader.wikidata_id:
        return one.wikidata_id == leader.wikidata_id
    is_longer = one.country == leader.country and _holds(one, leader)
    return form_key(one.name) in own or one.weight > 15 or is_longer


def _holds(one: Entity, leader: Entity) -> bool:
    """Return whether a name is the leader's with more words: Daniel Noboa Azin."""
    return set(form_key(leader.name).split()) <= set(form_key(one.name).split())


def _join(first: Entity, second: Entity) -> None:
    first.wikidata_id = first.wikidata_id or second.wikidata_id
    first.role = first.role or second.role
    first.country = first.country or second.country
    first.years = first.years or second.years
    first.prominence = max(first.prominence, second.prominence)
    first.weight = max(first.weight, second.weight)
    first.forms = distinct([first.name, *first.forms, second.name, *second.forms])[1:]
    first.surnames = distinct([*first.surnames, *second.surnames])


def with_other_scripts(lists: Path, entities: list[Entity], least: int) -> None:
    """Add composed names in other scripts to the people of at least this weight."""
    for language in ("ru", "ar", "he", "ja-kana", "ko", "zh"):
        tokens = _tokens(lists / "people" / f"name-tokens.{language}.tsv.gz")
        glue = {"ja-kana": "・", "zh": "·"}.get(language, " ")
        script = {"ru": "CYRILLIC", "ar": "ARABIC", "he": "HEBREW", "ja-kana": "KANA",
                  "ko": "HANGUL", "zh": "CJK"}[language]  # fmt: skip
        for one in entities:
            words = one.name.replace("-", " ").split()
            is_plain = 2 <= len(words) <= 3 and one.surnames and is_latin(one.name)
            if one.weight < least or not is_plain or one.name.split()[0] == one.surnames[0]:
                continue
            if any(script_of(form) == script for form in one.forms):
                continue
            if any(len(word) < 3 or name_key(word) in TITLES for word in words):
                continue
            pieces = [tokens.get(word.casefold(), "") for word in one.name.split()]
            if all(pieces):
                one.forms.append(glue.join(pieces))
                one.surnames.append(pieces[-1])


def _tokens(path: Path) -> dict[str, str]:
    """Return the form of each name token that is frequent and clearly the usual one."""
    found = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            token, _, forms = line.rstrip("\n").partition("\t")
            pairs = [form.rpartition(":")[::2] for form in re.split(r"[|,\t ]", forms) if form]
            sums = [(int(count), form) for form, count in pairs if count.isdigit()]
            if sums and max(sums)[0] >= 4 and max(sums)[0] >= 0.6 * sum(n for n, _ in sums):
                form = max(sums)[1]
                found[token] = form.title() if script_of(form) == "CYRILLIC" else form
    return found
