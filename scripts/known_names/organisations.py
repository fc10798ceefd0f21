"""The organisations, from open lists and from our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ingest.entities.gazetteer import place_hint
from ingest.entities.known import form_key
from ingest.entities.lexicon import organisation_key, person_names, word_lists
from known_names.names import (
    FACTS,
    LEFT_OUT,
    Entity,
    as_written,
    country_code,
    distinct,
    facts,
    has_capitals,
    is_latin,
    most_read,
    script_of,
    table,
    words,
)

#: Buildings of the same name have these ids.
_BUILDINGS = frozenset({"kremlin", "white house", "pentagon", "vatican", "blue house"})
_LEGAL = re.compile(
    r",? (Inc|Incorporated|Corp|Corporation|Co|Company|Ltd|Limited|LLC|plc|PLC|N\.?V|S\.?A|SE|AG|AB"
    r"|ASA|Oyj|S\.p\.A|SpA|GmbH|KGaA|Holdings?|Group)\.?$"
)
_CLUB = re.compile(r"^(FC|AC|AS|SC|SV|CD|CF|CA|FK|NK|KF|SK|BK|IF|IK) | (FC|AFC|CF|SC|FK|IF|BK)$")


def _is_place(key: str) -> bool:
    """Return whether a place has this name, small towns apart."""
    return place_hint(key).kind not in ("", "alternate")


def organisations(lists: Path) -> list[Entity]:
    """Return the organisations: our own with all their forms, then those of the lists."""
    ours = _ours()
    taken = {form_key(form): one for one in ours for form in (one.name, *one.forms)}
    names = {form_key(one.name): one for one in reversed(ours)}
    for key, one in taken.items():
        if " " in key:
            names.setdefault(key, one)
    found: dict[tuple[str, str], Entity] = {}
    for row in _rows(lists):
        name = _plain(row["name"])
        country = country_code(row["country"])
        home = names.get(form_key(name)) or names.get(form_key(_short(name)))
        if home is not None and _is_same(home, row, country):
            home.wikidata_id = home.wikidata_id or row["qid"]
            home.country = home.country or country
            home.forms += _aliases(row, home, taken)
            continue
        if not _is_name(name, row) or form_key(name) in taken:
            continue
        is_sure = "qrank2022" not in row["sources"] or row["kind"] == "sure"
        one = Entity(
            type="O", name=name, wikidata_id=row["qid"] if is_sure else "", country=country,
            role="" if row["kind"] == "sure" else row["kind"], prominence=1,
            weight=len(row["sources"].split(",")),
        )  # fmt: skip
        one.forms = [_marked(form, one) for form in _aliases(row, one, taken)]
        if " " not in form_key(name).removeprefix("the "):
            one.forms = ["~" + name, *one.forms]
        first = found.setdefault((form_key(name), country), one)
        if first is not one:
            first.wikidata_id = first.wikidata_id or one.wikidata_id
            first.forms = distinct([*first.forms, *one.forms])
    for one in ours:
        one.forms = distinct(one.forms, by=as_written)
    return [*ours, *found.values()]


def _rows(lists: Path) -> Iterator[dict[str, str]]:
    for row in table(lists / "organisations" / "organisations.tsv.gz"):
        if not set(row["sources"].split(",")) <= LEFT_OUT:
            yield row
    sure = most_read("organisations")
    for row in table(lists / "qrank2022-untyped.tsv.gz"):
        if row["name"] in sure:
            yield row | {"kind": "sure", "country": "", "sources": "qrank2022", "prominent": "1"}


def _ours() -> list[Entity]:
    """Return the organisations of our own lists, joined by name."""
    ours: list[Entity] = []
    homes: dict[str, Entity] = {}
    for name, country, kind, forms in facts("institutions.tsv"):
        every = [_two_letters(form) for form in forms.split("|") if form]
        ours.append(
            Entity(type="O", name=name, country=country, role=kind, prominence=3, weight=40,
                   forms=every)
        )  # fmt: skip
        homes.setdefault(form_key(name), ours[-1])
    for one in ours:
        for form in one.forms:
            if is_latin(form) and form[0] != "~":
                homes.setdefault(form_key(form), one)
    for line in (FACTS / "organisations.txt").read_text("utf-8").splitlines():
        for entry in line.split(";") if not line.startswith("#") else ():
            every = [part.strip() for part in entry.split("=") if part.strip()]
            if not every:
                continue
            long = [form_key(form) for form in every[1:] if " " in form and form[0] not in "~^"]
            home = next((homes[key] for key in (form_key(every[0]), *long) if key in homes), None)
            if home is None:
                home = Entity(type="O", name=every[0].lstrip("~^"), prominence=3, weight=30)
                ours.append(home)
                homes[form_key(every[0])] = home
            marks = {form[1:]: form for form in home.forms if form[0] in "~^"}
            every = [marks.get(form, form) for form in every]
            every = [form for form in every if homes.get(form_key(form), home) is home]
            bare = {form.lstrip("~^") for form in every}
            home.forms = [form for form in home.forms if form.lstrip("~^") not in bare] + every
    for one in ours:
        if not any(form.lstrip("~^") == one.name for form in one.forms):
            one.forms.insert(0, one.name)
    return ours


def _two_letters(form: str) -> str:
    """Return a form of two letters as one that needs a second sign."""
    is_short = len(form) < 3 and form.isupper() and has_capitals(form)
    return "~" + form if is_short and form not in ("UN", "EU", "UE", "BP", "VW") else form


def _is_same(home: Entity, row: dict[str, str], country: str) -> bool:
    """Return whether an entry of the lists is this organisation of ours.

    The most read items were joined to the lists by name alone: an id of theirs counts only where
    another name of the item tells an organisation.
    """
    if form_key(home.name) in _BUILDINGS:
        return False
    if row["kind"] == "party":
        return bool(country) and home.country == country
    if row["kind"] in ("club", "team", "airline", "branch") and home.role not in ("", "club"):
        return False
    if country and home.country and country != home.country:
        return False
    if "qrank2022" not in row["sources"] or row["kind"] == "sure":
        return row["kind"] != "media" or bool(home.country)
    own = {form_key(form) for form in (home.name, *home.forms)}
    others = [form_key(alias) for alias in row["aliases"].split("|")]
    return any(_TELLING & set(other.split()) for other in others) and not any(
        _is_place(other) for other in others if other not in own
    )


#: Words that tell an organisation.
_TELLING = words(
    "inc incorporated company corporation corp co ltd plc ag gmbh group organization organisation "
    "association federation federación union committee council broadcasting party agency bank "
    "university club football league network news office administration department bureau "
    "institute foundation army force court commission holdings society"
)


def _plain(name: str) -> str:
    """Return a name without remarks: "Conservative Party or H", "Coca-Cola Company (The)"."""
    name = re.sub(r"[|~^\t\n]", "", name)
    name = re.sub(r" \([^)]*\)$| or [A-Z][\w-]*$", "", name.strip())
    return re.sub(r"^(.*), The$", r"\1", name)


def _aliases(row: dict[str, str], home: Entity, taken: dict[str, Entity]) -> list[str]:
    """Return the aliases that are names: alike, or initials, and not another's in our lists."""
    found = []
    every = [_short(_plain(row["name"]))]
    if row["kind"] not in ("club", "team") or home.prominence < 3:
        every += [] if "qrank2022" in row["sources"] and home.prominence < 3 else (
            row["aliases"].split("|")
        )  # fmt: skip
    for alias in map(_plain, every):
        key = form_key(alias)
        if not key or alias == home.name or taken.get(key, home) is not home or len(alias) > 70:
            continue
        if _is_place(key) and row["kind"] not in ("club", "university"):
            continue
        if _is_alike(alias, home.name) and not _LEGAL.search(alias):
            found.append(alias)
    return distinct(found)[: 8 if row["qid"] else 4]


def _is_alike(alias: str, name: str) -> bool:
    """Return whether an alias shares a word with the name, is its initials, or of another script."""
    words, main = organisation_key(alias), organisation_key(name)
    if not alias[0].isupper() and has_capitals(alias[0]):
        return False
    if not is_latin(alias):
        return len(alias) > (3 if script_of(alias) in ("CJK", "HANGUL") else 5) and (
            has_capitals(alias[0]) or script_of(alias) in ("ARABIC", "HEBREW", "CJK", "HANGUL",
                                                           "KANA", "DEVANAGARI")
        )  # fmt: skip
    if len(words) == 1:
        initials = "".join(word[0] for word in main)
        is_code = alias.isupper() and 3 <= len(alias) <= 8
        return is_code and (initials.startswith(words[0][0]) or len(main) == 1)
    if any(char.isdigit() for char in alias) or "/" in alias or alias.count(" ") > 8:
        return False
    return any(len(word) > 3 and word in main for word in words) or len(words) > 2


def _short(name: str) -> str:
    """Return a company's name without its legal form, a club's without its letters."""
    short = name
    while (cut := _LEGAL.sub("", short)) != short and cut:
        short = cut
    return _CLUB.sub("", short) or name


def _is_name(name: str, row: dict[str, str]) -> bool:
    """Return whether this can stand in a text as a name of its own."""
    key = form_key(name)
    words = key.removeprefix("the ").split()
    if len(name) > 80 or len(words) > 9 or not words or name[0].islower():
        return False
    if _is_place(key) and row["kind"] != "club":
        return False
    if len(words) == 1 and row["kind"] in ("party", "parliament", "branch"):
        return len(words[0]) > 4 and script_of(name) == "LATIN" and bool(row["qid"])
    return len(words) > 1 or len(words[0]) > 3


def _marked(form: str, one: Entity) -> str:
    """Return a form of the lists with its flag: single words need a second sign."""
    key = form_key(form)
    words = organisation_key(form)
    if one.role == "club":
        is_place = _is_place(key) or form == _short(one.name)
        return ("^" if is_place else "~" if len(words) < 2 else "") + form
    if len(words) > 1:
        is_plain = all(word in word_lists("en").common for word in words)
        return ("~" if is_plain else "") + form
    is_person = key in person_names().given or key in person_names().surnames
    return ("" if form.isupper() and len(form) > 4 and not is_person else "~") + form
