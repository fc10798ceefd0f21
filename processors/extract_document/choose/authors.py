"""Chooses the authors among what page and feed name: people apart from agencies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from processors.extract_document.choose.agencies import agency_of

_BLANKS = re.compile(r"[\W_]+")
_MAX_NAME_CHARACTERS = 120
_MAX_NAME_WORDS = 8
_MAX_AUTHORS = 20
#: Between names, whatever stands on both sides.
_SPLIT = re.compile(
    r"\s*[;&|•、，]\s*|\s+·\s+|\s+[/–—-]\s+|\s+(?:and|und|et|with|mit|avec)\s+|\s*\n\s*", re.I
)
#: Between names where whole ones stand on both sides: "Ann Lee y Bo Ray", never "Ortega y Gasset".
_SPLIT_WHOLE = re.compile(
    r"\s+(?:y|e|i|en|og|och|ja)\s+|\s*,\s*|\s*/\s*|(?<=[^\W\d_]{3})\.\s+(?=[^\W\d_a-zß-ÿ])"
)
#: What somebody has learnt is no part of a name.
_DEGREE = re.compile(
    r",\s+(?:M\.?D\.?|Ph\.?\s?D\.?|M\.?S\.?|M\.?A\.?|MBA|J\.?D\.?|R\.?N\.?|RDN?|DDS|DO|Esq\.?|MPH|CFA|CPA)(?=$|[\s,;])"
)
_WEB_NAME = re.compile(r"\w\.(?:com|net|org|info|news|co|tv|de|fr|es|it|nl|uk|example)\b", re.I)
_BY = re.compile(
    r"^(?:(?:written|reported|words|story|text|texte|texto|testo|tekst|reporting|article|artikel|analysis|opinion|interview)\s+(?:by|von|par|por|di|door)"
    r"|by|par|por)\s*:?\s+"
    r"|^(?:von|di|door|av|af|przez|text|texte|texto|testo|tekst|author|autor|auteur|autore|автор|redaktion|interview)\s*:\s*",
    re.I,
)  # fmt: skip
#: Without a colon these words begin names too ("von der Heide"): two capitals must follow.
_BY_WORD = re.compile(r"^(?:Von|VON|Door|Av|Af|di)\s+(?=[^\W\d_a-zß-ÿ]\S*\s+\S*[^\W\d_a-zß-ÿ])")
#: "Ann Lee in Berlin", "Ann Lee, Paris": where somebody writes is no name.
_PLACES_WORD = r"(?:in|aus|à|au|en|em|da|te|from|reporting from)"
_PLACE = re.compile(rf"^(?P<name>\S+\s+\S.*?)\s+{_PLACES_WORD}\s+[^\W\d_a-zß-ÿ].*$")
_ONLY_PLACE = re.compile(rf"^{_PLACES_WORD}\s+[^\W\d_a-zß-ÿ]")
#: "mit Material von dpa", "with files from AP", "(with AFP)".
_HELP = re.compile(
    r"^(?:with|mit|avec|con|com|met|by|via|von|par)?\s*(?:(?:material(?:ien)?|files?|reporting|information(?:en|s)?|inputs?)\s+(?:von|der|from|by|de|van)\s+)?",
    re.I,
)  # fmt: skip
_SUFFIX = re.compile(r",\s+((?:Jr|Sr)\.?|I{2,3}|IV)(?=$|[\s,])")
_ADDRESS = re.compile(r"https?:\S*|www\.\S+|\S*//\S*|\S+@\S+\.\S+")
_HANDLE = re.compile(r"(?<!\w)@\w+")
_IN_BRACKETS = re.compile(r"\s*[(\[](?P<inside>[^()\[\]]{0,100})[)\]]\s*")
#: RSS 2.0 writes an author as `desk@paper.example (Ann Lee)`.
_MAIL_WITH_NAME = re.compile(r"^\S+@\S+\s*\((?P<name>[^)]+)\)$")
_NO_NAMES = frozenset(
    (
        "", "admin", "administrator", "editor", "author", "unknown", "null", "none", "n/a", "na", "guest",
        "root", "webmaster", "anonymous", "anonym", "anonyme", "redakteur", "user", "test", "default",
        "view all posts", "see all", "more", "share", "follow", "twitter", "facebook", "archive", "posts",
    )
)  # fmt: skip
#: A role beside a name, or a desk instead of one.
_ROLE = re.compile(
    r"\b(?:correspondents?|reporters?|editors?|editor-in-chief|journalists?|columnists?|contributors?|writers?|producers?"
    r"|photographers?|bureau(?: chief)?|staff|newsroom|news ?desk|editorial (?:board|team|staff)|editorial|agenc(?:y|ies)|news service|wire services?"
    r"|redaktion|redakteur(?:in)?|korrespondent(?:in)?|reporterin|chefredakteur(?:in)?|autorin|volontär(?:in)?|agenturen"
    r"|rédaction|rédact(?:eur|rice)|journaliste|correspondant[e]?|envoyée? spéciale?|grand reporter|agences?"
    r"|redacci[óo]n|redactora?|periodista|corresponsal|enviad[oa] especial|agencias?"
    r"|redazione|redattore|giornalista|corrispondente|inviat[oa]|agenzie"
    r"|reda[çc][ãa]o|jornalista|rep[óo]rter|correspondente|ag[êe]ncias?"
    r"|redactie|verslaggever|redacteur|correspondente?|redaksjonen|redaktionen|redakcja|редакция)\b",
    re.I,
)
#: Parts of a house that stand behind its name.
_DESKS = frozenset(
    ("business", "digital", "international", "media", "money", "news", "online", "politics", "radio",
     "science", "sport", "sports", "tech", "travel", "tv", "wires", "world")
)  # fmt: skip
_PHOTO = re.compile(r"^(?:photos?|photograph(?:y|s|ed)?|pictures?|fotos?|bild(?:er)?|illustrations?|video|grafik|graphics?|camera)\b", re.I)  # fmt: skip


#: "Bo Ray (photos)" wrote nothing.
_BY_OTHERS = re.compile(
    r"[^,;&|()]{2,60}\((?:photos?|fotos?|bild(?:er)?|illustrations?|illustrazioni|video|grafik|graphics|fotografie)\)",
    re.I,
)


class Byline(NamedTuple):
    """Who wrote a text: people, and the agencies and other organisations named with them."""

    people: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()


class ChosenAuthors(NamedTuple):
    """People with the source they came from, agencies with theirs ("none" for none)."""

    people: tuple[str, ...]
    source: str
    agencies: tuple[str, ...]
    agencies_source: str


def choose_authors(
    sources: Sequence[tuple[str, Iterable[str]]], site_names: Iterable[str] = ()
) -> ChosenAuthors:
    """Give the people of the first source that has any, and the agencies of the first that has.

    `sources` are pairs of source and raw names, the one that counts first. `site_names` are names
    of the site and its publisher, which are no author. Source: extraction.md §5.
    """
    people: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    source = agencies_source = "none"
    own = frozenset(folded_name(name) for name in site_names)
    for name, raw in sources:
        found = read_byline(raw, own)
        if found.people and not people:
            people, source = found.people, name
        if found.agencies and not agencies:
            agencies, agencies_source = found.agencies, name
    return ChosenAuthors(people, source, agencies, agencies_source)


def read_byline(raw: Iterable[str], own: frozenset[str] = frozenset()) -> Byline:
    """Give the people and agencies in raw author values: no addresses, handles, roles, places or
    names of the site (`own`, folded); nothing of 120 characters, each once, at most 20.
    Errors: none."""
    people: dict[str, str] = {}
    agencies: dict[str, None] = {}
    for value in raw:
        for name in _parts(value[:2000]):
            agency = agency_of(name)
            if agency:
                agencies[agency] = None
            elif _is_person(name, own):
                people.setdefault(name.casefold(), name)
    return Byline(tuple(people.values())[:_MAX_AUTHORS], tuple(agencies)[:_MAX_AUTHORS])


def _is_person(name: str, own: frozenset[str]) -> bool:
    folded = folded_name(name)
    return (
        folded not in _NO_NAMES
        and not _is_site(folded, own)
        and len(name) < _MAX_NAME_CHARACTERS
        and len(name.split()) <= _MAX_NAME_WORDS
        and "@" not in name
        and not _WEB_NAME.search(name)
        and any(map(str.isalpha, name))
        and not _ROLE.search(name)
        and not _PHOTO.match(name)
    )


def _is_site(name: str, own: frozenset[str]) -> bool:
    """Tell whether a name is one of the site, or of a part of it ("CNN Business" of CNN)."""
    solid = _BLANKS.sub("", name)
    for one in own:
        if solid == _BLANKS.sub("", one) or name.removeprefix(f"{one} ") in _DESKS:
            return True
    return False


def _parts(value: str) -> list[str]:
    with_mail = _MAIL_WITH_NAME.match(" ".join(value.split()))
    if with_mail:
        value = with_mail["name"]
    value = _SUFFIX.sub(r" \1", _DEGREE.sub("", _HANDLE.sub(" ", _ADDRESS.sub(" ", value))))
    value = _BY_OTHERS.sub(" ", value)
    inside = [found["inside"] for found in _IN_BRACKETS.finditer(value)]
    names: list[str] = []
    for part in _SPLIT.split(_without_by(_IN_BRACKETS.sub(" ", value))):
        names += _whole_names(_without_by(part))
    # In brackets stand agencies, roles, and what somebody is called besides.
    names += [bare for one in inside if agency_of(bare := _HELP.sub("", one), is_sure=True)]
    return [name for name in map(_bare, names) if name]


def _whole_names(part: str) -> list[str]:
    """Give the names of a list that words like "y" or commas part, where they are whole ones.

    "Lee, Ann" is one name; of "Ann Lee, Political Editor" and "dpa/Ann Lee" each piece is judged
    by itself.
    """
    without_help = _HELP.sub("", part)
    if agency_of(without_help, is_sure=True):
        return [without_help]
    pieces = [piece for piece in _SPLIT_WHOLE.split(part) if piece.strip()]
    if len(pieces) < 2:
        return [part]
    if any(agency_of(piece) or _ROLE.search(piece) for piece in pieces):
        return pieces
    if all(" " in piece.strip() for piece in pieces):
        return pieces
    commas = [piece for piece in part.split(",") if piece.strip()]
    is_named_with_place = (
        len(commas) == 2 and " " in commas[0].strip() and " " not in commas[1].strip()
    )
    return _whole_names(commas[0]) if is_named_with_place else [part]  # fmt: skip


def _without_by(part: str) -> str:
    part = " ".join(part.split())
    return _BY_WORD.sub("", _BY.sub("", part))


def _bare(name: str) -> str:
    name = _without_by(name).strip(' ,:·|/*–—-"“”„')
    if not name.endswith(("Jr.", "Sr.")):
        name = name.rstrip(".")
    if _ONLY_PLACE.match(name):
        return ""
    found = _PLACE.match(name)
    if found:
        name = name[: found.end("name")]
    return " ".join(name.split())


def folded_name(name: str) -> str:
    return " ".join(name.casefold().removeprefix("the ").replace(".", " ").split())
