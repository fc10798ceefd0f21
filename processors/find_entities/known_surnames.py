"""Recognises known people where only their surname stands, by the signs beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from ingest.entities.gazetteer import place_hint
from ingest.entities.known import KnownEntity, form_key, lead
from ingest.entities.lexicon import LISTED_LANGUAGES
from ingest.model import Mention
from processors.find_entities.known_forms import bases, bearers_of
from processors.find_entities.known_passage import (
    Passage,
    countries_of,
    covered,
    is_beside_capital,
    is_calendar,
    is_title,
    mention_of,
)
from processors.find_entities.tokens import PERSON, Token

#: Signs count this many tokens before and after a surname: its sentence and the next, mostly.
_NEAR = 25
#: Two such surnames share neighbouring sentences when they are at most this many tokens apart.
_TOGETHER = 40
#: Roles that stand near the surname of a head of state, beside the titles of the language.
_ROLES = frozenset(
    {"administration", "government", "presidency", "cabinet", "regime", "campaign", "regierung",
     "kabinett", "gouvernement", "gobierno", "governo", "kreml", "kremlin", "tweet", "tweeted"}
)  # fmt: skip
#: What only the holder of an office has: the Bush administration.
_TERMS = frozenset({"administration", "government", "presidency", "cabinet", "era", "campaign",
                    "regierung", "regime", "ministry", "doctrine", "premiership", "papacy"})  # fmt: skip
#: What only people do, beside the verbs of saying.
_DEEDS = frozenset(
    {"met", "meets", "spoke", "speaks", "flew", "signed", "signs", "visited", "visits", "wants",
     "wanted", "travelled", "traveled", "arrived", "himself", "herself", "who", "whose", "apologised",
     "apologized", "apologizes", "hopes", "hoped", "knows", "knew", "plays", "played", "stars",
     "starred", "sang", "sings", "tweeted", "resigned", "testified", "campaigned", "ordered", "orders",
     "appointed", "accused", "accuses", "criticised", "criticized", "defended", "defends", "attended",
     "attacked", "praised", "addressed", "seeks", "sought", "vetoed", "refused", "refuses", "became",
     "trifft", "traf", "sprach", "reist", "reiste", "wirft", "warf", "fordert", "forderte", "will",
     "kritisierte", "besuchte", "betonte", "sieht", "lehnte", "lehnt", "rencontre", "rencontré", "veut",
     "estime", "recoit", "promet", "assure", "quiere", "viaja", "viajo", "pidio", "pide", "acusa",
     "acuso", "se", "vuole", "incontra", "incontrato", "wil", "vindt", "ontmoette", "bezocht"}
)  # fmt: skip
#: Offices, as titles and in the roles of known people.
_OFFICES = frozenset(
    {"president", "minister", "premier", "chancellor", "governor", "gov", "gov.", "senator", "sen",
     "sen.", "rep", "rep.", "secretary", "king", "queen", "prince", "pope", "mayor", "ambassador",
     "congressman", "congresswoman", "representative", "commissioner", "administrator", "chairman",
     "speaker", "leader", "judge", "justice", "attorney", "vice-president", "prasident",
     "prasidentin", "ministerin", "kanzler", "kanzlerin", "bundeskanzler", "bundeskanzlerin",
     "ministerprasident", "aussenminister", "generalsekretar", "presidente", "presidenta", "ministro",
     "ministra", "primer", "gobernador", "senador", "ministre", "chancelier", "senateur",
     "presidentti", "ministr", "prezydent", "premiera", "president-elect", "minister-president",
     "congress", "parliament", "state", "member", "head", "chief", "deputy"}
)  # fmt: skip
#: Rules that took a single word for a person, whoever it is.
_PERSON_RULES = frozenset({"apposition", "age_after", "description_after", "role_before"})


class Lone(msgspec.Struct):
    """A surname that stands alone, at these tokens (first, last), and whom it may mean.

    `needed` is how much its signs must weigh: the more, the likelier it means something else.
    `is_name` unless it only opens sentences, where every word has a capital, and is little known.
    """

    known: KnownEntity
    places: list[tuple[int, int]] = []
    needed: int = 0
    is_name: bool = False
    signs: list[str] = []


def lone_surnames(passage: Passage, added: list[Mention]) -> list[Mention]:
    """Return the mentions of known people by their surname alone."""
    taken = covered(passage.tokens, sorted(added, key=lambda one: one.start))
    strangers = _strangers(passage, added)
    here = _surnames_here(passage)
    alone: dict[str, Lone] = {}
    result = []
    for number, token in enumerate(passage.tokens):
        if not token.is_capital or number in taken or _cannot_be_surname(passage, token):
            continue
        base = _base(token, passage.language)
        if not base or base in strangers:
            continue
        first = _with_particles(passage, number, base)
        if not _stands_alone(passage, first, number + 1):
            continue
        named = here.get(base, [])
        if named and _is_lead_meant(passage, base, named, number):
            named = []
        if len(named) == 1:
            if _is_clearly_other(passage, number):
                continue
            one = named[0]
            evidence = f"surname of {one.name}, named in full"
            result.append(
                mention_of(passage, first, number + 1, one, "known_surname", "medium", evidence)
            )
        elif not named:
            _note(passage, alone, base, first, number + 1)
    return result + _judged(passage, alone)


def _base(token: Token, language: str) -> str:
    """Return the surname that a word is, without the ending of a case; "" if it is none.

    The better known bearer decides: Putina is Putin's case, not his wife.
    """
    borne = [base for base in bases(token, language) if bearers_of(base)]
    return max(borne, key=lambda base: bearers_of(base)[0].known.weight, default="")


def _cannot_be_surname(passage: Passage, token: Token) -> bool:
    if token.is_shouted or len(token.text) < 2 or is_calendar(passage.pack, token.key):
        return True  # "May" among them: a month at most times
    if token.opens and (token.key in passage.low or token.key in passage.pack.sentence_words):
        return True
    if token.opens and len(token.text) < 4 and passage.language not in LISTED_LANGUAGES:
        return True  # a preposition or an article, most likely
    return token.key in _CRIES or (len(token.text) < 5 and token.text.isupper())


_CRIES = frozenset({"oh", "ah", "yes", "no", "hi", "wow", "ok"})


def _is_lead_meant(passage: Passage, base: str, named: list[KnownEntity], number: int) -> bool:
    """Return whether a relative is named in full, but later: "Trump … his son Eric Trump"."""
    one = lead(base)
    if one is None or one.id in {other.id for other in named}:
        return False
    return all(passage.firsts[other.id] > number for other in named)


def _surnames_here(passage: Passage) -> dict[str, list[KnownEntity]]:
    """Return the known people named in full in this text, by each of their surnames."""
    found: dict[str, list[KnownEntity]] = defaultdict(list)
    for one in passage.found.values():
        if one.type != PERSON:
            continue
        words = form_key(one.name).split(" ")
        for key in {words[-1], words[0], " ".join(words[1:])}:
            if any(row.known.id == one.id for row in bearers_of(key)):
                found[key].append(one)
    return found


def _strangers(passage: Passage, added: Sequence[Mention]) -> set[str]:
    """Return the last words of full names in this text that are not known."""
    spans = [(one.start, one.end) for one in added]
    found = set()
    for mention in {id(one): one for one in passage.covered.values()}.values():
        if mention.type != PERSON or " " not in mention.text:
            continue
        if any(mention.start < end and start < mention.end for start, end in spans):
            continue
        found.add(form_key(mention.text).rpartition(" ")[2])
    return found


def _with_particles(passage: Passage, number: int, base: str) -> int:
    """Return where the surname begins: at "von" of "von der Leyen"."""
    first = number
    while first and passage.tokens[first].is_joined and passage.tokens[first - 1].is_word:
        key = passage.tokens[first - 1].key
        if key not in passage.pack.particles or (not bearers_of(f"{key} {base}") and (
            first < 2 or not bearers_of(f"{passage.tokens[first - 2].key} {key} {base}")
        )):  # fmt: skip
            break
        base = f"{key} {base}"
        first -= 1
    return first


def _stands_alone(passage: Passage, first: int, last: int) -> bool:
    """Return whether no longer name goes on here; the rules may have taken just this word."""
    inside = passage.covered.get(last - 1)
    if inside is not None and (
        inside.start < passage.tokens[first].start or inside.end > passage.tokens[last - 1].end
    ):
        return False
    return not (is_beside_capital(passage, first, last) or _is_with_article(passage, first, last))


def _is_with_article(passage: Passage, first: int, last: int) -> bool:
    """Return whether this is "the Moon", not "the Trump administration"; Italian has "la Meloni"."""
    tokens = passage.tokens
    if first == 0 or passage.language != "en" or tokens[first - 1].key != "the":
        return False
    after = tokens[last] if last < len(tokens) else None
    return after is None or not after.text.islower() or after.key in passage.pack.openers


def _is_clearly_other(passage: Passage, number: int) -> bool:
    inside = passage.covered.get(number)
    return inside is not None and inside.type != PERSON and inside.strength == "strong"


#: Rules that only guess what a word is, from its neighbours or from longer names.
_GUESSES = frozenset(
    {"first_word_of_organisation", "same_name_elsewhere", "voted", "organisation_context", "tagger",
     "place_preposition", "initials_of_organisation", "in_list_of_places"}
)  # fmt: skip


def _note(passage: Passage, alone: dict[str, Lone], base: str, first: int, last: int) -> None:
    """Remember a surname that stands alone, with the signs beside it."""
    one = _likeliest(passage, base)
    inside = passage.covered.get(last - 1)
    is_guess = inside is None or inside.type == PERSON or inside.rule in _GUESSES
    if one is None or not is_guess:
        return
    token = passage.tokens[last - 1]
    is_owner = token.is_possessive and any(
        after.is_capital for after in passage.tokens[last : last + 1]
    )
    if is_owner and one.weight < _RULER:  # Dawson's Creek is nobody's creek
        return
    signs = _signs(passage, one, first, last)
    found = alone.setdefault(base, Lone(one))
    found.places.append((first, last))
    found.needed = max(found.needed, _needed(passage, one, token, base))
    is_inside = not passage.tokens[first].opens
    found.is_name |= is_inside or one.weight >= _RULER or _is_direct(signs)
    found.signs += signs


def _likeliest(passage: Passage, base: str) -> KnownEntity | None:
    """Return the bearer of a surname who is far ahead, or whose country alone the text names."""
    one = lead(base)
    if one is not None:
        return one
    first, *others = [row.known for row in bearers_of(base)]
    if first.prominence == 3 and first.weight < _FAMOUS:
        return first if not others or first.weight >= 2 * others[0].weight else None
    rivals = [first, *(one for one in others if one.weight >= _RULER)]
    here = [one for one in rivals if one.country in passage.countries]
    is_one = len(here) == 1 or (len(here) > 1 and here[0].weight >= 1.5 * here[1].weight)
    return here[0] if is_one and first.weight >= _RULER else None


def _is_direct(signs: list[str]) -> bool:
    return any(sign.partition(":")[0] in _PERSONAL for sign in signs)


#: Weights of those most read about, and of those whom any newspaper calls by the surname.
_FAMOUS, _RULER = 20, 50
#: What a sign weighs; all others 1.
_WEIGHTS = {"office": 3, "title": 2, "description": 2, "with": 2}
#: Signs that a person is meant, whoever it is.
_PERSONAL = frozenset({"office", "title", "description", "verb"})
#: Needed where a surname is an ordinary word or a big place; then one of them must be personal.
_OTHER_WORD = 3
_BIG_CITY = 100_000


def _needed(passage: Passage, one: KnownEntity, token: Token, base: str) -> int:
    """Return how much the signs must weigh before a surname means this person.

    The lists of given names and towns hold many surnames, so such a reading counts little; less
    known people share theirs with private ones.
    """
    key = token.key
    hint = place_hint(key, passage.language)
    if lead(base) is None and one.weight >= _RULER:
        return 2
    is_big_place = hint.kind not in ("", "alternate") and hint.population >= _BIG_CITY
    if key in passage.low or key in passage.pack.not_names or is_big_place:
        return _OTHER_WORD
    if key in passage.pack.common:
        return _OTHER_WORD
    if one.weight >= _RULER:
        return 0
    return bool(hint.kind) + (0 if one.weight >= _FAMOUS else 3)


def _signs(passage: Passage, one: KnownEntity, first: int, last: int) -> list[str]:
    """Return the signs beside a surname that a person is meant, and this one."""
    tokens, pack = passage.tokens, passage.pack
    signs = []
    before = tokens[first - 1] if first else None
    if before is not None and is_title(passage, before):
        is_office = _is_official(one) and (before.key in _OFFICES or before.key not in pack.titles)
        signs.append(f"{'office' if is_office else 'title'}: {before.text}")
    if _is_described(passage, last):
        signs.append("description: after it")
    if _is_listed(passage, first, last):
        signs.append("listed: beside a person")
    after = tokens[last].key if last < len(tokens) else ""
    if after in _TERMS and _is_official(one):
        signs.append(f"office: {after}")
    if not tokens[last - 1].is_possessive and (after in pack.speech or after in _DEEDS):
        signs.append(f"verb: {after}")
    inside = passage.covered.get(last - 1)
    if inside is not None and inside.rule in _PERSON_RULES:
        signs.append(f"rule: {inside.rule}")
    near = tokens[max(0, first - _NEAR) : last + _NEAR]
    if one.country and one.country in countries_of(near, passage.language):
        signs.append(f"country: {one.country}")
    signs += [
        f"role: {token.text}"
        for token in near
        if token.key in _ROLES or (token.key in pack.after_person and token.key in one.role)
    ]
    return signs


def _is_official(one: KnownEntity) -> bool:
    return not _OFFICES.isdisjoint(one.role.casefold().split())


def _is_described(passage: Passage, last: int) -> bool:
    """Return whether a role follows after a comma: Azar, the health secretary."""
    tokens = passage.tokens
    if last >= len(tokens) or tokens[last].text != ",":
        return False
    for token in tokens[last + 1 : last + 8]:
        if not token.is_word:
            return False
        if token.key in passage.pack.after_person or token.key in passage.pack.titles:
            return True
    return False


def _is_listed(passage: Passage, first: int, last: int) -> bool:
    """Return whether a comma or "and" alone stands between it and another person."""
    tokens, joining = passage.tokens, {",", "and", "et", "und", "y", "e", "en", "och", "og"}
    left = (
        passage.covered.get(first - 2) if first > 1 and tokens[first - 1].key in joining else None
    )
    right = None
    if last + 1 < len(tokens) and tokens[last].key in joining:
        right = passage.covered.get(last + 1)
    return any(one is not None and one.type == PERSON and " " in one.text for one in (left, right))


def _companions(passage: Passage, one: KnownEntity, alone: dict[str, Lone]) -> list[KnownEntity]:
    """Return known people of the same country or trade who are surely meant in this text."""
    sure = [*passage.found.values(), *(other.known for other in alone.values() if not other.needed)]
    return [
        other
        for other in sure
        if other.id != one.id and other.type == PERSON and (
            (one.country and other.country == one.country
             and _is_official(one) and _is_official(other))
            or (one.role and other.role == one.role)
        )
    ]  # fmt: skip


def _judged(passage: Passage, alone: dict[str, Lone]) -> list[Mention]:
    """Return the mentions of those who are meant, and of those who may be."""
    result = []
    for base, one in alone.items():
        signs = list(one.signs)
        if len(one.places) > 1:
            signs.append("said twice")
        beside = [] if one.needed else _beside(alone, base)
        signs += [f"beside {other.known.name}" for other in beside]
        if one.needed:
            signs += [f"with: {other.name}" for other in _companions(passage, one.known, alone)[:1]]
        kinds = {sign.partition(":")[0] for sign in signs}
        weight = sum(_WEIGHTS.get(kind, 1) for kind in kinds)
        if weight < one.needed or not (one.is_name or beside):
            continue
        if one.needed >= _OTHER_WORD and not kinds & _PERSONAL:
            continue
        evidence = f"surname of {one.known.name}; " + ("; ".join(dict.fromkeys(signs)) or "no sign")
        strength = "medium" if signs else "weak"
        result += [
            mention_of(
                passage, first, last, one.known, "known_surname", strength, evidence, not signs
            )
            for first, last in one.places
        ]
    return result


def _beside(alone: dict[str, Lone], base: str) -> list[Lone]:
    """Return the others of whom one stands near."""
    return [
        other
        for key, other in alone.items()
        if key != base
        and not other.needed
        and any(
            abs(one[0] - two[0]) <= _TOGETHER for one in alone[base].places for two in other.places
        )
    ]
