"""Chooses the authors of a text, people and news agencies separately, with provenance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ingest.model import Page
from processors.extract_document.choose import Fields, candidate, provenance
from processors.extract_document.options import Options
from processors.extract_document.read import HtmlReading
from processors.extract_document.read.metadata import AUTHOR_NAMES
from processors.extract_document.read.text import search_authors

_BLANKS = re.compile(r"[\W_]+")
_MAX_NAME_CHARACTERS = 120
_MAX_NAME_WORDS = 8
_MAX_AUTHORS = 20
#: Separators of names, always.
_SPLIT = re.compile(
    r"\s*[;&|•、，]\s*|\s+·\s+|\s+[/–—-]\s+|\s+(?:and|und|et|with|mit|avec)\s+|\s*\n\s*", re.I
)
#: Separators of names with full names on both sides: "Ann Lee y Bo Ray", not "Ortega y Gasset".
_SPLIT_WHOLE = re.compile(
    r"\s+(?:y|e|i|en|og|och|ja)\s+|\s*,\s*|\s*/\s*|(?<=[^\W\d_]{3})\.\s+(?=[^\W\d_a-zß-ÿ])"
)
#: Degrees, which are not part of a name.
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
#: Without a colon these words also begin names ("von der Heide"): two capitals must follow.
_BY_WORD = re.compile(r"^(?:Von|VON|Door|Av|Af|di)\s+(?=[^\W\d_a-zß-ÿ]\S*\s+\S*[^\W\d_a-zß-ÿ])")
#: "Ann Lee in Berlin", "Ann Lee, Paris": the place is not part of the name.
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
#: A role beside a name, or a desk in place of one.
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
#: Departments that follow the name of a publisher.
_DESKS = frozenset(
    ("business", "digital", "international", "media", "money", "news", "online", "politics", "radio",
     "science", "sport", "sports", "tech", "travel", "tv", "wires", "world")
)  # fmt: skip
_PHOTO = re.compile(r"^(?:photos?|photograph(?:y|s|ed)?|pictures?|fotos?|bild(?:er)?|illustrations?|video|grafik|graphics?|camera)\b", re.I)  # fmt: skip


#: "Bo Ray (photos)" is not an author of the text.
_BY_OTHERS = re.compile(
    r"[^,;&|()]{2,60}\((?:photos?|fotos?|bild(?:er)?|illustrations?|illustrazioni|video|grafik|graphics|fotografie)\)",
    re.I,
)
#: Name as shown → other forms, compared without case and surrounding punctuation.
_AGENCIES: dict[str, tuple[str, ...]] = {
    "AFP": ("agence france-presse", "agence france presse", "afp relaxnews"),
    "AP": ("associated press", "the associated press", "a.p.", "ap news"),
    "Reuters": ("thomson reuters", "reuters staff", "rtr"),
    "Bloomberg": ("bloomberg news",),
    "UPI": ("united press international",),
    "dpa": ("deutsche presse-agentur", "dpa-infocom", "dpa infocom", "dpa-afx", "dpa/lnw", "lnw", "dpa-tmn"),
    "epd": ("evangelischer pressedienst",),
    "KNA": ("katholische nachrichten-agentur",),
    "SID": ("sport-informations-dienst",),
    "APA": ("austria presse agentur",),
    "Keystone-SDA": ("sda", "ats", "keystone-ats", "sda-keystone", "schweizerische depeschenagentur"),
    "EFE": ("agencia efe", "efe noticias", "efeagro"),
    "Europa Press": ("agencia europa press", "europapress"),
    "ANSA": ("agenzia ansa",),
    "Adnkronos": ("agenzia adnkronos",),
    "AGI": ("agenzia italia", "agi agenzia italia"),
    "LaPresse": (),
    "Askanews": (),
    "Lusa": ("agência lusa", "lusa agência de notícias"),
    "Agência Brasil": ("agencia brasil",),
    "Estadão Conteúdo": ("estadao conteudo",),
    "Folhapress": (),
    "ANP": ("algemeen nederlands persbureau",),
    "Belga": ("agence belga", "belga news agency", "persbureau belga"),
    "TT": ("tt nyhetsbyrån", "tidningarnas telegrambyrå"),
    "NTB": ("norsk telegrambyrå",),
    "Ritzau": ("ritzaus bureau",),
    "STT": ("stt-lehtikuva", "suomen tietotoimisto"),
    "PAP": ("polska agencja prasowa",),
    "ČTK": ("ctk", "česká tisková kancelář"),
    "MTI": ("magyar távirati iroda",),
    "TASR": (), "SITA": (), "Hina": (), "Tanjug": (), "BTA": (), "Agerpres": (), "Mediafax": (),
    "TASS": ("тасс", "itar-tass"), "RIA Novosti": ("риа новости", "ria"), "Interfax": ("интерфакс",),
    "Ukrinform": ("укринформ", "укрінформ"), "UNIAN": ("уніан", "униан"),
    "ANA-MPA": ("απε-μπε", "amna"),
    "Anadolu": ("anadolu agency", "anadolu ajansı", "aa"), "DHA": ("demirören haber ajansı",), "IHA": ("ihlas haber ajansı",),
    "PA Media": ("press association", "pa"), "The Canadian Press": ("canadian press", "la presse canadienne"),
    "AAP": ("australian associated press",), "RNZ": (),
    "Xinhua": ("新华社", "xinhua news agency"), "CNA": ("中央社",), "Kyodo": ("kyodo news", "共同通信"), "Jiji Press": ("jiji", "時事通信"),
    "Yonhap": ("연합뉴스", "yonhap news agency"), "PTI": ("press trust of india",), "ANI": ("asian news international",), "IANS": (),
    "UNI": ("united news of india",), "Antara": ("antara news",), "Bernama": (), "VNA": ("vietnam news agency",),
    "WAM": (), "SPA": ("saudi press agency",), "MENA": ("middle east news agency",), "IRNA": (), "SANA": (), "NNA": (),
    "MAP": ("maghreb arab press",), "APS": ("algérie presse service",), "TAP": ("tunis afrique presse",), "NAN": ("news agency of nigeria",),
    "SAnews": (), "Télam": ("telam",), "Notimex": (), "Andina": (), "Prensa Latina": (),
    "Inter Press Service": ("ips",), "Tribune News Service": ("tns",), "The Conversation": (),
    "PR Newswire": ("prnewswire",), "Business Wire": ("businesswire",), "GlobeNewswire": ("globe newswire",),
    "news aktuell": ("ots", "na presseportal", "presseportal"),
}  # fmt: skip
#: Too much like initials or words to be an agency outside brackets or a list of agencies.
_SHORT_AND_COMMON = frozenset(("aa", "pa", "ria", "ats", "tt", "rtr", "map", "tap", "nan", "uni", "sana",
    "nna", "spa", "ips", "tns", "sita", "agi", "ani", "andina", "cna", "aps", "mena", "hina", "lnw"))  # fmt: skip
_EDGES = " \t.,;:()[]{}*–—-"
#: "BERLIN (dpa/lnw) – …", "PORT ELSIN, May 3 (Reuters) - …", "(ANSA) - ROMA, 3 MAG - …".
_DATELINE = re.compile(
    r"^(?:[^\W\d_][^()\n]{1,80})?\((?P<names>[^()\n]{2,40})\)\s*(?:[-–—−:.]|--|\w)"
)
#: "(dpa)", "dpa", "Source: AFP", "© AP" alone on the last line.
_CREDIT = re.compile(
    r"^\W*(?:(?:quelle|source|fuente|fonte|bron|agency|agentur)n?\s*:\s*|\d{4}\s+|mit material (?:von|der)\s+|with files from\s+)?"
    r"(?P<names>[^\n]{2,60}?)\W*$",
    re.I,
)
_BETWEEN = re.compile(r"\s*(?:/|,|;|&|\+|\band\b|\bund\b|\bet\b|\by\b|\be\b)\s*", re.I)


class Byline(NamedTuple):
    """The authors of a text: people, and the agencies named with them."""

    people: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()


class ChosenAuthors(NamedTuple):
    """People and agencies, each with their source ("none" for none)."""

    people: tuple[str, ...]
    source: str
    agencies: tuple[str, ...]
    agencies_source: str


def choose_authors(
    sources: Sequence[tuple[str, Iterable[str]]], site_names: Iterable[str] = ()
) -> ChosenAuthors:
    """Return the people and the agencies of the first source that has any.

    `sources` are pairs of source and raw names, the most reliable first. `site_names` are names of
    the site and its publisher, which are not authors.
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
    """Return the people and agencies in raw author values, each once, at most 20.

    Addresses, handles, roles, places, names of 120 characters and those of the site (`own`, folded)
    are left out. Errors: none."""
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
    """Return whether a name is that of the site or a department ("CNN Business" of CNN)."""
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
    # Brackets contain agencies, roles and nicknames.
    names += [bare for one in inside if agency_of(bare := _HELP.sub("", one), is_sure=True)]
    return [name for name in map(_bare, names) if name]


def _whole_names(part: str) -> list[str]:
    """Return the names of a list separated by words like "y" or by commas, if they are full names.

    "Lee, Ann" is one name; in "Ann Lee, Political Editor" and "dpa/Ann Lee" each piece is judged
    on its own.
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


def names_of(page: Page, reading: HtmlReading, options: Options, text: str) -> Fields:
    """Return the authors of a page; `text` is the chosen text."""
    jsonld, metadata = reading.jsonld, reading.metadata
    tagged = [
        value
        for name in AUTHOR_NAMES
        for value in metadata.several.get(name) or (metadata.named.get(name, ""),)
        if value
    ]
    label = page.domain.partition(".")[0]
    own = (metadata.site_name, jsonld.publisher, page.entry.publisher, page.domain, label)
    sources: list[tuple[str, Iterable[str]]] = [
        ("jsonld", jsonld.authors),
        ("meta", tagged),
        ("feed", page.entry.authors),
    ]
    found = choose_authors(sources, own)
    if not found.people and options.author_search and reading.root is not None:
        sources.append(("heuristic", search_authors(reading.root)))
        found = choose_authors(sources, own)
    organisations = read_byline(jsonld.organisations, frozenset(map(folded_name, own)))
    agencies, agencies_source, why = found.agencies, found.agencies_source, ""
    if not agencies and (organisations.agencies or organisations.people):
        agencies = organisations.agencies + organisations.people
        agencies_source, why = "jsonld", "organisation in JSON-LD"
    in_text = agencies_in_text(text)
    if not agencies and in_text:
        agencies, agencies_source, why = in_text, "page", "dateline or last line of the text"
    others = [candidate("; ".join(raw), name) for name, raw in sources]
    losers = [one for one in others if one.source != found.source]
    organised = [
        candidate("; ".join(jsonld.organisations), "jsonld"), candidate("; ".join(in_text), "page"),
    ]  # fmt: skip
    return Fields(
        {"authors": found.people, "agencies": agencies},
        {
            "authors": provenance("; ".join(found.people), found.source, losers),
            "agencies": provenance("; ".join(agencies), agencies_source, organised, why),
        },
    )


def _folded(name: str) -> str:
    return " ".join(name.casefold().strip(_EDGES).split())


_BY_FORM = {_folded(form): name for name, forms in _AGENCIES.items() for form in (name, *forms)}


def agency_of(name: str, *, is_sure: bool = False) -> str:
    """Return the agency that a name means, as it is shown; "" for none.

    Short forms that could be initials count only if `is_sure` (in brackets) or if written in
    capitals. Errors: none.
    """
    form = _folded(name)
    if form in _SHORT_AND_COMMON and not (is_sure or name.strip(_EDGES).isupper()):
        return ""
    return _BY_FORM.get(form, "")


def agencies_in_text(text: str) -> tuple[str, ...]:
    """Return the agencies that the dateline or the last line of a text names."""
    dateline = _DATELINE.match(text[:200])
    found = _all(dateline["names"]) if dateline else ()
    last = text[-80:].rpartition("\n")[2].strip()
    credit = _CREDIT.match(last) if text.rstrip().rfind("\n") >= 0 else None
    return tuple(dict.fromkeys((*found, *(_all(credit["names"]) if credit else ()))))


def _all(names: str) -> tuple[str, ...]:
    """Return the agencies of a list that contains nothing else."""
    parts = [part for part in _BETWEEN.split(names.strip()) if part]
    found = [agency_of(part, is_sure=True) for part in parts]
    return tuple(dict.fromkeys(found)) if found and all(found) else ()
