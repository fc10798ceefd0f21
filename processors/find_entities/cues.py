"""Decides by its words and its neighbours what a capitalised run names."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from processors.find_entities.known import Known
from processors.find_entities.lexicon import Names, Pack
from processors.find_entities.places import OFTEN_PEOPLE, PlaceHint, place_hint
from processors.find_entities.tokens import Token

PERSON, ORGANISATION, PLACE = "person", "organisation", "place"

#: Acronyms that name no organisation.
NOT_ORGANISATIONS = frozenset(
    [
        "ceo",
        "cfo",
        "coo",
        "cto",
        "cio",
        "cmo",
        "evp",
        "svp",
        "vp",
        "hr",
        "pr",
        "it",
        "ai",
        "ml",
        "ar",
        "vr",
        "tv",
        "dvd",
        "cd",
        "pc",
        "mac",
        "pdf",
        "url",
        "usb",
        "gps",
        "sms",
        "mms",
        "lcd",
        "led",
        "oled",
        "hd",
        "uhd",
        "hdr",
        "sd",
        "cctv",
        "atm",
        "pin",
        "id",
        "dna",
        "rna",
        "mrna",
        "pcr",
        "hiv",
        "aids",
        "covid",
        "sars",
        "mers",
        "flu",
        "adhd",
        "ptsd",
        "ocd",
        "iq",
        "eq",
        "bmi",
        "ct",
        "mri",
        "icu",
        "er",
        "ppe",
        "gp",
        "md",
        "phd",
        "mba",
        "ba",
        "bsc",
        "msc",
        "gcse",
        "gdp",
        "gnp",
        "cpi",
        "ppi",
        "vat",
        "roi",
        "ipo",
        "etf",
        "esg",
        "spac",
        "m&a",
        "b2b",
        "b2c",
        "faq",
        "diy",
        "vip",
        "mvp",
        "rip",
        "aka",
        "asap",
        "eta",
        "eur",
        "usd",
        "gbp",
        "jpy",
        "chf",
        "am",
        "pm",
        "bst",
        "gmt",
        "utc",
        "est",
        "edt",
        "cst",
        "cdt",
        "mst",
        "pst",
        "pdt",
        "cet",
        "et",
        "pt",
        "ct",
        "ad",
        "bc",
        "bce",
        "ce",
        "lgbt",
        "lgbtq",
        "lgbtqi",
        "bame",
        "bipoc",
        "suv",
        "ev",
        "hgv",
        "lpg",
        "lng",
        "co2",
        "pm2",
        "uv",
        "cgi",
        "ufo",
        "sos",
        "mp",
        "mps",
        "mep",
        "meps",
        "msp",
        "msps",
        "qc",
        "kc",
        "pc",
        "dj",
        "mc",
        "ok",
        "oj",
        "tbc",
        "tba",
        "usa",
        "us",
        "uk",
        "uae",
        "eu",
        "nsw",
        "dc",
        "la",
        "nyc",
        "ny",
        "nj",
        "ca",
        "tx",
        "fl",
        "pa",
        "oh",
        "ga",
        "nc",
        "mi",
        "va",
        "wa",
        "ma",
        "az",
        "tn",
        "md",
        "wi",
        "mn",
        "co",
        "al",
        "sc",
        "ky",
        "ok",
        "ut",
        "ia",
        "nv",
        "ar",
        "ms",
        "ks",
        "nm",
        "ne",
        "id",
        "wv",
        "hi",
        "nh",
        "mt",
        "ri",
        "de",
        "sd",
        "nd",
        "ak",
        "vt",
        "wy",
        "rt",
        "pg",
        "xi",
        "ii",
        "iii",
        "iv",
        "vi",
        "vii",
        "viii",
        "ix",
        "xx",
        "xxx",
        "lol",
        "omg",
        "q1",
        "q2",
        "q3",
        "q4",
        "h1",
        "h2",
        "r&b",
        "r&d",
        "wfh",
        "pov",
        "fyi",
        "nft",
        "nfts",
        "api",
        "sdk",
        "html",
        "css",
        "ssd",
        "cpu",
        "gpu",
        "ram",
        "rom",
        "os",
        "ios",
        "3d",
        "2d",
        "4g",
        "5g",
        "lte",
        "wifi",
        "voip",
        "abs",
        "awd",
        "4wd",
        "rpm",
        "mpg",
        "mph",
        "kph",
        "btu",
        "psi",
        "icbm",
        "wmd",
        "ied",
        "gi",
        "pow",
        "mia",
        "kia",
        "awol",
        "d-day",
        "vj",
        "ve",
        "nda",
        "llm",
        "gmo",
        "bbq",
        "blt",
        "tlc",
        "iou",
        "mo",
        "od",
        "bp",
        "bpm",
        "ivf",
        "std",
        "sti",
        "ngo",
        "ngos",
        "gop?",
        "quango",
        "faqs",
        "rsvp",
        "po",
        "ps",
        "nb",
        "ie",
        "eg",
        "etc",
        "vs",
        "tl",
        "tldr",
        "sb",
        "rb",
        "qb",
        "wr",
        "te",
        "lb",
        "cb",
        "era",
        "rbi",
        "ppg",
        "fa-cup",
    ]
)

#: Surnames that are head words too: "Charlotte Church" is a person.
_SURNAME_HEADS = frozenset(
    [
        "church",
        "post",
        "mail",
        "guard",
        "park",
        "press",
        "mining",
        "steel",
        "power",
        "stone",
        "wells",
        "lake",
        "hill",
        "hills",
        "bridge",
        "street",
        "banks",
        "forest",
        "woods",
        "lane",
        "rivers",
        "field",
        "fields",
        "brook",
        "castle",
        "towers",
        "ridge",
        "pass",
        "reef",
        "bay",
        "west",
        "east",
        "north",
        "south",
        "lodge",
        "hall",
        "court",
        "law",
        "war",
        "bond",
        "star",
        "storm",
        "cross",
        "bill",
        "day",
        "case",
        "week",
        "price",
        "page",
        "series",
        "code",
        "fair",
        "prince",
        "king",
        "marsh",
        "glen",
        "dale",
        "heath",
        "palmer",
        "green",
        "gates",
        "house",
        "pond",
        "beach",
        "spring",
        "springs",
        "summers",
        "winters",
        "rock",
        "chase",
        "grove",
        "mills",
        "love",
        "valley",
    ]
)

_FUNCTION_MARKS = frozenset({"said", "says"})


class Sense(msgspec.Struct):
    """What the decisions need to know of one text."""

    tokens: list[Token]
    pack: Pack
    names: Names
    #: Words that stand in lower case in this text too: no evidence when capital.
    low: set[str]
    is_sport: bool
    known: dict[int, tuple[int, Known]]


class Decision(NamedTuple):
    """Tokens first..last (excluded) named as `type`; `type` "" says that it is no name."""

    first: int
    last: int
    type: str
    rule: str
    strength: str
    evidence: str = ""


def is_common(sense: Sense, token: Token) -> bool:
    """Tell whether a capital word is an ordinary word too."""
    return token.key in sense.pack.common or token.key in sense.low


def decide(sense: Sense, first: int, last: int, title: str = "") -> Decision | None:
    """Give the first cue that fires on these tokens; None when none does.

    Source: enrichment.md §5.2, with well-known organisations before everything else.
    """
    for cue in (
        _known, _other_thing, _headed_organisation, _titled, _sure_place, _headed_place,
        _given_name, _place_by_name, _acronym, _apposition, _organisation_context, _surname,
        _after_preposition, _lone_name,
    ):  # fmt: skip
        decision = cue(sense, first, last, title)
        if decision is not None:
            return decision
    return None


def key_of(sense: Sense, first: int, last: int) -> str:
    """Give the folded name of these tokens."""
    return " ".join(token.key for token in sense.tokens[first:last])


def _known(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    hit = sense.known.get(first)
    if hit is None or hit[0] != last or title:
        return None
    known = hit[1]
    token = sense.tokens[first]
    if known.flags == "s":
        if not sense.is_sport or _place_is_meant(sense, first, last):
            return None
        return Decision(first, last, ORGANISATION, "known_club", "medium", known.name)
    if known.flags == "a":
        if token.opens and not _follows_as_organisation(sense, last):
            return None
        return Decision(first, last, ORGANISATION, "known_organisation", "medium", known.name)
    return Decision(first, last, ORGANISATION, "known_organisation", "strong", known.name)


def _follows_as_organisation(sense: Sense, last: int) -> bool:
    if sense.tokens[last - 1].is_possessive:
        return True
    following = _key(sense, last)
    return following in sense.pack.speech or following in sense.pack.organisation_after


def _other_thing(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    """An event, law, prize, work: its last word says so, or its first."""
    token = sense.tokens[last - 1]
    if last - first == 1:
        return None
    head = token.key
    if head in sense.pack.other_heads and not title:
        if _is_person_like(sense, first, last) and head in _SURNAME_HEADS:
            return None
        if place_hint(key_of(sense, first, last)).kind:
            return None
        return Decision(first, last, "", "other_head", "strong")
    if sense.tokens[first].key in {"operation", "hurricane", "typhoon", "cyclone", "storm",
                                   "tropical", "project", "super", "formula"}:  # fmt: skip
        if sense.tokens[first].key == "super" and last - first > 2:
            return None
        return Decision(first, last, "", "other_head", "strong")
    return None


def _headed_organisation(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    pack, tokens = sense.pack, sense.tokens
    keys = [token.key for token in tokens[first:last]]
    if len(keys) == 1:
        if keys[0] in pack.organisation_alone and not title:
            strength = "weak" if tokens[first].opens else "medium"
            return Decision(first, last, ORGANISATION, "lone_organisation_word", strength)
        return None
    if title and len(keys) <= 3 and keys[-1] in _SURNAME_HEADS:
        return None
    joined = {"of", "for", "de", "des", "du", "del", "da", "do", "van", "voor", "di", "d"}
    if keys[0] in pack.organisation_heads_first and joined & set(keys[1:]):
        return Decision(first, last, ORGANISATION, "organisation_head", "strong", keys[0])
    if keys[0] in pack.organisation_heads_first and pack.language not in (
        "en",
        "de",
        "sv",
        "da",
        "no",
    ):
        return Decision(first, last, ORGANISATION, "organisation_head", "strong", keys[0])
    for place, key in enumerate(keys):
        if place and key in pack.organisation_heads_first and joined & set(keys[place + 1 :]):
            return Decision(first, last, ORGANISATION, "organisation_head", "strong", key)
    head = keys[-1].rstrip(".")
    if head in pack.organisation_heads or keys[-1] in pack.organisation_heads:
        if head in _SURNAME_HEADS and _is_person_like(sense, first, last):
            return None
        if head == "united" or (head == "city" and sense.is_sport):
            return Decision(first, last, ORGANISATION, "club_head", "strong", head)
        return Decision(first, last, ORGANISATION, "organisation_head", "strong", head)
    if "&" in keys:
        return Decision(first, last, ORGANISATION, "ampersand", "medium")
    if (
        head in {"city", "town", "county"}
        and sense.is_sport
        and place_hint(" ".join(keys[:-1])).kind
    ):
        if not place_hint(" ".join(keys)).kind:
            return Decision(first, last, ORGANISATION, "club_head", "medium", head)
    if keys[0] in {"fc", "afc", "cf", "ac", "rc", "sc", "real", "atletico", "sporting"} and (
        sense.is_sport and not tokens[first].opens
    ):
        return Decision(first, last, ORGANISATION, "club_head", "medium", keys[0])
    return None


def _is_person_like(sense: Sense, first: int, last: int) -> bool:
    """Tell a given name and one more word or two, with no article or preposition before."""
    if not 2 <= last - first <= 3:
        return False
    token = sense.tokens[first]
    if token.key not in sense.names.given or token.key in sense.pack.common:
        return False
    if sense.tokens[first - 1].key == "the" if first else False:
        return False
    return not (
        place_hint(token.key).population > 500_000 or place_hint(token.key).kind == "country"
    )


def _titled(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    if not title or last - first > 5:
        return None
    if last - first == 1:
        token = sense.tokens[first]
        if token.key in sense.pack.not_names or token.key in sense.pack.organisation_alone:
            return None
        if len(token.text) < 2 or (token.text.isupper() and len(token.text) < 5):
            return None
    return Decision(first, last, PERSON, "title_before", "strong", f"title: {title}")


def _sure_place(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    hint = place_hint(key_of(sense, first, last), sense.pack.language)
    token = sense.tokens[first]
    if hint.kind not in ("country", "region", "area"):
        return None
    key = token.key
    if last - first == 1 and key in ("us", "uk", "uae") and not _is_upper(token):
        return None
    if (
        last - first == 1
        and len(token.text) <= 4
        and token.text.isupper()
        and hint.kind == "region"
    ):
        return None if not _is_after_comma(sense, first) else Decision(
            first, last, PLACE, "region_name", "medium")  # fmt: skip
    if key in OFTEN_PEOPLE and last - first == 1:
        is_place = _place_is_meant(sense, first, last)
        strength = "strong" if is_place else "weak" if hint.kind == "area" else "medium"
        if not is_place and _follows_as_person(sense, last):
            return None
        return Decision(first, last, PLACE, f"{hint.kind}_name", strength)
    return Decision(first, last, PLACE, f"{hint.kind}_name", "strong")


def _is_upper(token: Token) -> bool:
    return token.text.replace(".", "").isupper()


def _is_after_comma(sense: Sense, first: int) -> bool:
    return first > 1 and sense.tokens[first - 1].text == ","


def _headed_place(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    pack, tokens = sense.pack, sense.tokens
    if last - first < 2:
        return None
    head, opening = tokens[last - 1].key, tokens[first].key
    if head in pack.place_heads:
        if _is_person_like(sense, first, last) and head in _SURNAME_HEADS:
            if _key(sense, first - 1) not in pack.places_before | {"at", "on", "the", "to", "from"}:
                return None
        return Decision(first, last, PLACE, "place_head", "strong", head)
    if opening in pack.place_heads_first:
        if opening in {"san", "santa", "los", "las", "el", "la", "villa", "ben", "glen", "point",
                       "river", "bay", "são", "santo", "rio", "sao", "camp", "lake"}:  # fmt: skip
            known = place_hint(key_of(sense, first, last)).kind
            if not known and not _place_is_meant(sense, first, last) and opening != "lake":
                return None
        return Decision(first, last, PLACE, "place_head", "strong", opening)
    for token in tokens[first + 1 : last - 1]:
        if token.key == "of" and opening in {"gulf", "strait", "bay", "isle", "sea", "port"}:
            return Decision(first, last, PLACE, "place_head", "strong", opening)
    return None


def _given_name(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    tokens, names = sense.tokens, sense.names
    count = last - first
    if not 2 <= count <= 5:
        return None
    opening, closing = tokens[first], tokens[last - 1]
    whole = place_hint(key_of(sense, first, last))
    if (
        whole.kind
        and not (whole.kind == "city" and whole.population < 100_000)
        and (whole.kind != "alternate")
    ):
        return None
    if _is_initial(opening):
        return _initials(sense, first, last)
    is_surname = _folded(closing) in names.surnames
    if _folded(opening) not in names.given:
        return None
    if closing.key in sense.pack.not_names or (closing.text.isupper() and len(closing.text) < 5
                                               and not opening.text.isupper()):  # fmt: skip
        return None
    hint = place_hint(opening.key)
    is_big_place = hint.population > 300_000 and opening.key not in sense.pack.common
    is_doubtful = opening.key in sense.low or opening.key in sense.pack.common or is_big_place
    if is_doubtful and is_common(sense, closing) and not (is_surname and not opening.opens):
        return None
    if is_big_place and not is_surname:
        return None
    if opening.key in sense.pack.not_names and not is_surname:
        return None
    if is_doubtful and opening.opens and not is_surname:
        return None
    if _holds_thing(sense, first + 1, last):
        return None
    strength = (
        "strong" if is_surname and not is_doubtful else "medium" if not is_doubtful else "weak"
    )
    return Decision(first, last, PERSON, "given_name", strength)


def _holds_thing(sense: Sense, first: int, last: int) -> bool:
    """Tell whether one of these words is known to be no surname (Street, Award, Company)."""
    for token in sense.tokens[first:last]:
        key = token.key
        if key in sense.pack.weekdays or (
            key in sense.pack.months and key not in sense.names.surnames
        ):
            return True
        if key in sense.names.surnames:
            continue
        if key in sense.pack.organisation_heads or key in sense.pack.other_heads:
            return True
        if key in sense.low and token.is_capital and key in sense.pack.common:
            return True
    return False


def _is_initial(token: Token) -> bool:
    return len(token.text) <= 4 and token.is_abbreviation and token.text.replace(".", "").isupper()


def _initials(sense: Sense, first: int, last: int) -> Decision | None:
    """J. Marsh, A.J. Hollis: initials and a surname."""
    opening = sense.tokens[first].key
    if opening in ("us", "uk", "un", "eu", "dc", "la") or last - first > 4:
        return None
    closing = sense.tokens[last - 1]
    if len(closing.text) < 2 or _holds_thing(sense, first + 1, last):
        return None
    return Decision(first, last, PERSON, "initials", "medium")


def _folded(token: Token) -> str:
    return token.key.replace(" ", "-") if " " in token.key else token.key


def _place_by_name(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    key = key_of(sense, first, last)
    hint = place_hint(key)
    if hint.kind not in ("city", "alternate") or title:
        return None
    if hint.kind == "alternate" and hint.population < 400_000:
        return None
    token = sense.tokens[first]
    if last - first == 1 and token.text.isupper() and len(token.text) < 4:
        return None
    is_meant = _place_is_meant(sense, first, last)
    if last - first == 1:
        is_person_too = key in sense.names.given or key in sense.names.surnames
        if is_common(sense, token) and (not is_meant or token.opens):
            return None
        if not is_meant and key in OFTEN_PEOPLE and _follows_as_person(sense, last):
            return None
        if is_person_too and not is_meant and hint.population < 400_000:
            return None
    if hint.kind == "alternate" and not is_meant:
        return None
    if not is_meant and hint.population < 90_000:
        return None
    if is_meant:
        return Decision(first, last, PLACE, "city_name", "strong")
    return Decision(first, last, PLACE, "city_name", "medium")


def _place_is_meant(sense: Sense, first: int, last: int) -> bool:
    """Tell whether the neighbours say that this is a place: "in X", "X, Ohio", "the city of X"."""
    pack = sense.pack
    before = _key(sense, first - 1)
    if before in pack.places_before:
        return not sense.tokens[first].opens
    if before in {"to", "from", "at", "of"} or before in pack.directions:
        if before in pack.directions:
            return True
        if before == "of":
            return _key(sense, first - 2) in pack.place_words_before
        if before in {"to", "from"}:
            verb = _key(sense, first - 2)
            return verb in {"travel", "travelled", "traveled", "flew", "fly", "moved", "move",
                            "trip", "went", "returned", "return", "visit", "flight", "flights",
                            "road", "drove", "train", "way", "flown", "taken", "miles", "km",
                            "emigrated", "fled", "deported", "sent", "arrived", "journey",
                            "relocated", "kilometres", "border", "came", "back"}  # fmt: skip
    if (
        before == ","
        and place_hint(_key(sense, first - 2)).kind == "city"
        and (place_hint(key_of(sense, first, last)).kind in ("country", "region"))
    ):
        return True
    return _is_in_region(sense, last)


def _is_in_region(sense: Sense, last: int) -> bool:
    """Tell whether ", <state or country>" follows."""
    tokens = sense.tokens
    if tokens[last - 1].is_possessive or last + 1 >= len(tokens) or tokens[last].text != ",":
        return False
    following = tokens[last + 1]
    if not following.is_capital:
        return False
    for width in (3, 2, 1):
        hint = place_hint(key_of(sense, last + 1, min(last + 1 + width, len(tokens))))
        if hint.kind in ("country", "region", "area"):
            return True
    return following.is_abbreviation and following.key in _STATE_SHORT


#: How newspapers shorten the states of the USA.
_STATE_SHORT = frozenset(
    [
        "ala",
        "ariz",
        "ark",
        "calif",
        "colo",
        "conn",
        "del",
        "fla",
        "ga",
        "ill",
        "ind",
        "kan",
        "ky",
        "la",
        "md",
        "mass",
        "mich",
        "minn",
        "miss",
        "mo",
        "mont",
        "neb",
        "nev",
        "nh",
        "nj",
        "nm",
        "ny",
        "nc",
        "nd",
        "okla",
        "ore",
        "pa",
        "ri",
        "sc",
        "sd",
        "tenn",
        "tex",
        "vt",
        "va",
        "wash",
        "wva",
        "wis",
        "wyo",
        "dc",
    ]
)


def _follows_as_person(sense: Sense, last: int) -> bool:
    following = _key(sense, last)
    return following in sense.pack.speech and not sense.tokens[last - 1].is_possessive


def _acronym(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    token = sense.tokens[first]
    text = token.text.replace(".", "").replace("&", "")
    if last - first != 1 or title or not 2 <= len(text) <= 6 or not text.isupper():
        return None
    if text.lower() in NOT_ORGANISATIONS or token.is_shouted or not text.isalpha():
        return None
    before, following = _key(sense, first - 1), _key(sense, last)
    is_defined = before == "(" and following == ")"
    if len(text) == 2 and not is_defined and before != "the":
        return None
    if place_hint(token.key).kind and before not in {"the", "("}:
        return None
    return Decision(first, last, ORGANISATION, "acronym", "strong" if is_defined else "medium")


def _apposition(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    """Speech, an age or a description after a name: a person."""
    tokens = sense.tokens
    count = last - first
    if count > 4 or tokens[last - 1].is_possessive or _has_article(sense, first):
        return None
    token = tokens[first]
    if count == 1 and (is_common(sense, token) or token.key in sense.pack.not_names):
        return None
    if any(
        one.key in sense.pack.not_names or one.key in sense.pack.common
        for one in tokens[first:last]
    ):
        if not any(one.key in sense.names.surnames for one in tokens[first + 1 : last]):
            return None
    following = _key(sense, last)
    if following in {",", "("} and _is_age(sense, last + 1):
        return Decision(first, last, PERSON, "age_after", "strong")
    if following == "," and _key(sense, last + 1) in sense.pack.ages:
        return Decision(first, last, PERSON, "age_after", "strong")
    if following == "," and count >= 2 and _describes(sense, last + 1):
        return Decision(first, last, PERSON, "description_after", "medium")
    is_named = token.key in sense.names.surnames or token.key in sense.names.given
    if following in sense.pack.speech and (count > 1 or is_named):
        return Decision(
            first, last, PERSON, "speech_verb", "medium" if count > 1 or is_named else "weak"
        )
    before = _key(sense, first - 1)
    if before in sense.pack.near_speech and (count > 1 or is_named) and not token.opens:
        if _key(sense, first - 2) in {'"', "”", ",", "’", "»", "'"}:
            return Decision(first, last, PERSON, "speech_verb_before", "medium")
    return None


def _has_article(sense: Sense, first: int) -> bool:
    return _key(sense, first - 1) in {"the", "a", "an", "this", "its", "their"}


def _is_age(sense: Sense, number: int) -> bool:
    tokens = sense.tokens
    if number + 1 >= len(tokens) or not tokens[number].text.isdigit():
        return False
    return 1 <= int(tokens[number].text[:4]) <= 110 and tokens[number + 1].text in {
        ",",
        ".",
        ")",
        ";",
    }


def _describes(sense: Sense, number: int) -> bool:
    """Tell whether "the president", "a 34-year-old teacher" starts here."""
    tokens = sense.tokens
    start = number + 1 if _key(sense, number) in {"the", "a", "an", "its", "his", "her"} else number
    if start == number and _key(sense, number) not in sense.pack.after_person:
        return False
    for token in tokens[start : start + 4]:
        if token.key in sense.pack.after_person:
            return True
        if not token.is_word or token.key in {"who", "which", "and", "of"}:
            return token.text[:1].isdigit()
    return False


def _organisation_context(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    """Shares of X, a spokesman for X, X shares, the airline X."""
    pack, tokens = sense.pack, sense.tokens
    if title or last - first > 4 or (tokens[first].opens and last - first == 1):
        return None
    if last - first == 1 and (
        is_common(sense, tokens[first]) or tokens[first].key in pack.not_names
        or place_hint(tokens[first].key).kind
    ):  # fmt: skip
        return None
    if any(token.key in pack.not_names for token in tokens[first:last]):
        return None
    before, earlier = _key(sense, first - 1), _key(sense, first - 2)
    following = _key(sense, last)
    is_named = before in pack.organisation_before
    is_named = is_named or (before in {"of", "for", "in", "at"} and earlier in {
        "shares", "spokesman", "spokeswoman", "spokesperson", "employees", "owner", "executive",
        "maker", "subsidiary", "ceo", "founder", "co-founder", "customers", "unit", "stake",
        "executives", "shareholders", "cofounder", "stock", "headquarters"})  # fmt: skip
    is_named = is_named or following in pack.organisation_after
    is_named = is_named or (following == "(" and _key(sense, last + 1) in {"nyse", "nasdaq", "lse"})
    if is_named:
        return Decision(first, last, ORGANISATION, "organisation_context", "medium")
    return None


def _surname(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    """Two or three capitals that end in a surname."""
    tokens = sense.tokens
    if not 2 <= last - first <= 3 or _has_article(sense, first):
        return None
    if place_hint(key_of(sense, first, last)).kind:
        return None
    closing, opening = tokens[last - 1], tokens[first]
    if _folded(closing) not in sense.names.surnames or is_common(sense, closing):
        return None
    for token in tokens[first : last - 1]:
        if is_common(sense, token) or token.key in sense.pack.not_names or token.text.isupper():
            return None
        if token.key in sense.pack.sentence_words or token.key in sense.pack.organisation_heads:
            return None
        if place_hint(token.key).kind or token.key in sense.pack.other_heads:
            return None
    return Decision(first, last, PERSON, "surname", "weak", "" if opening else "")


def _after_preposition(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    tokens = sense.tokens
    token = tokens[first]
    if title or last - first > 3 or token.opens or token.is_shouted:
        return None
    before = _key(sense, first - 1)
    is_after = before in {"in", "near", "outside"} & sense.pack.places_before or (
        before in sense.pack.places_before and sense.pack.language != "en"
    )
    is_after = is_after or (
        before == "of" and _key(sense, first - 2) in sense.pack.place_words_before
    )
    is_after = is_after or (before in sense.pack.directions and last - first == 1)
    if not is_after or (token.text.isupper() and len(token.text) > 1):
        return None
    for one in tokens[first:last]:
        if one.key in sense.pack.not_names or is_common(sense, one) or one.key in sense.pack.months:
            return None
        if one.key in sense.pack.weekdays or one.key in sense.pack.other_heads:
            return None
    if token.key in sense.names.surnames or (token.key in sense.names.given and last - first == 1):
        return None
    if tokens[last - 1].is_possessive:
        return None
    return Decision(first, last, PLACE, "place_preposition", "weak")


def _lone_name(sense: Sense, first: int, last: int, title: str) -> Decision | None:
    """One word that is a given name or surname and nothing else, inside a sentence."""
    token = sense.tokens[first]
    if last - first != 1 or token.opens or token.is_shouted or len(token.text) < 3:
        return None
    if is_common(sense, token) or token.key in sense.pack.not_names or token.text.isupper():
        return None
    if (
        _has_article(sense, first)
        or place_hint(token.key).kind
        or token.key in sense.pack.other_heads
    ):
        return None
    if token.key in sense.names.given and (token.is_possessive or _acts(sense, last)):
        return Decision(first, last, PERSON, "lone_given_name", "weak")
    return None


def _acts(sense: Sense, last: int) -> bool:
    following = _key(sense, last)
    return following in sense.pack.speech or following in {
        "was",
        "is",
        "had",
        "has",
        "who",
        "and",
        "will",
        "would",
        "did",
        "told",
        "went",
        "came",
    }


def _key(sense: Sense, number: int) -> str:
    """Give the key of a token, "" outside the text."""
    if 0 <= number < len(sense.tokens):
        return sense.tokens[number].key
    return ""


__all__ = ["Decision", "PlaceHint", "Sense", "decide", "is_common", "key_of"]
