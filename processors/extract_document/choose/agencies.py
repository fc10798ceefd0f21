"""Knows news agencies by the names and short forms that bylines and datelines write."""

from __future__ import annotations

import re

#: Name as shown → other forms, compared without case, dots and blanks around.
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
#: Too much like initials or words to be an agency outside of a list with others or brackets.
_SHORT_AND_COMMON = frozenset(("aa", "pa", "ria", "ats", "tt", "rtr", "map", "tap", "nan", "uni", "sana",
    "nna", "spa", "ips", "tns", "sita", "agi", "ani", "andina", "cna", "aps", "mena", "hina", "lnw"))  # fmt: skip
_EDGES = " \t.,;:()[]{}*–—-"


def _folded(name: str) -> str:
    return " ".join(name.casefold().strip(_EDGES).split())


_BY_FORM = {_folded(form): name for name, forms in _AGENCIES.items() for form in (name, *forms)}
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


def agency_of(name: str, *, is_sure: bool = False) -> str:
    """Give the agency that a name means, as it is shown; "" for none.

    Short forms that could be anybody's initials count only where `is_sure`, in brackets or
    written in capitals. Errors: none.
    """
    form = _folded(name)
    if form in _SHORT_AND_COMMON and not (is_sure or name.strip(_EDGES).isupper()):
        return ""
    return _BY_FORM.get(form, "")


def agencies_in_text(text: str) -> tuple[str, ...]:
    """Give the agencies that the dateline or the last line of a text names, and no others."""
    dateline = _DATELINE.match(text[:200])
    found = _all(dateline["names"]) if dateline else ()
    last = text[-80:].rpartition("\n")[2].strip()
    credit = _CREDIT.match(last) if text.rstrip().rfind("\n") >= 0 else None
    return tuple(dict.fromkeys((*found, *(_all(credit["names"]) if credit else ()))))


def _all(names: str) -> tuple[str, ...]:
    """Give the agencies of a list in which nothing else stands."""
    parts = [part for part in _BETWEEN.split(names.strip()) if part]
    found = [agency_of(part, is_sure=True) for part in parts]
    return tuple(dict.fromkeys(found)) if found and all(found) else ()
