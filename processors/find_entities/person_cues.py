"""Cues that a name is a person."""

from __future__ import annotations

from ingest.entities.gazetteer import place_hint
from processors.find_entities.tokens import (
    PERSON,
    Decision,
    Token,
    View,
    has_article,
    is_common,
    is_upper,
    key_at,
    key_of,
    place_is_meant,
    speaks,
)

_HALVES = frozenset({"chief", "vice", "deputy", "assistant", "associate", "senior", "executive"})
_CLOSING_QUOTES = frozenset({'"', "”", ",", "’", "»", "'", "“"})
_AFTER_AGE = frozenset({",", ".", ")", ";"})
_ACTS = frozenset(
    {"was", "is", "had", "has", "who", "will", "would", "did", "went", "came", "also", "later"}
)


def titled(view: View, first: int, last: int, title: str) -> Decision | None:
    """A title before: President, Dr, coach."""
    if not title or last - first > 5:
        return None
    tokens = view.tokens[first:last]
    if len(tokens) == 1:
        token = tokens[0]
        if token.key in view.pack.not_names | view.pack.organisation_alone:
            return None
        if len(token.text) < 2 or (token.text.isupper() and len(token.text) < 5):
            return None
        if title.islower() and place_hint(token.key).kind in ("country", "region"):
            return None
    if title.split()[-1].lower() in _HALVES and key_at(view, last) in view.pack.titles:
        # Chief Strategy Officer: a title in three words, not a person.
        return None
    if title.islower() and any(token.key in view.pack.organisation_heads for token in tokens[1:]):
        return None
    return Decision(first, last, PERSON, "title_before", "strong", f"title: {title}")


#: Given names that can open a question or a request: Will Smith resign?
_VERBS = frozenset({"will", "may", "mark", "grant", "chase", "drew", "sue", "rob", "rich", "frank"})


def royal(view: View, first: int, last: int, title: str) -> Decision | None:
    """A title that is part of the name: Prince Edgar, Pope Leo XIV."""
    del title
    if not 2 <= last - first <= 4 or view.tokens[first].key not in view.pack.royal:
        return None
    if view.tokens[first + 1].key not in view.names.given:
        return None
    return Decision(first, last, PERSON, "royal_title", "strong")


def given_name(view: View, first: int, last: int, title: str) -> Decision | None:
    """A given name and one to four more words."""
    del title
    tokens, names, pack = view.tokens, view.names, view.pack
    if not 2 <= last - first <= 5:
        return None
    opening, closing = tokens[first], tokens[last - 1]
    if _is_initial(opening):
        return _initials(view, first, last)
    if last - first == 3 and _is_initial(tokens[first + 1]) and len(tokens[first + 1].text) == 2:
        return Decision(first, last, PERSON, "middle_initial", "strong")
    whole = place_hint(key_of(view, first, last))
    is_place = whole.kind and whole.kind != "alternate"
    if is_place and (whole.population >= 100_000 or place_is_meant(view, first, last)):
        return None
    if place_hint(closing.key).kind == "country" and closing.key not in pack.often_people:
        return None
    if _hyphened(opening) not in names.given or (
        closing.key in pack.not_names and closing.key not in names.surnames
    ):
        return None
    is_acronym = closing.text.isupper() and 1 < len(closing.text) < 5
    if is_acronym and not opening.text.isupper() and closing.key not in pack.roman:
        return None
    is_surname = _hyphened(_without_roman(view, first, last)) in names.surnames
    hint = place_hint(opening.key)
    is_big_place = hint.population > 300_000 and hint.kind != "alternate"
    is_doubtful = is_common(view, opening) or is_big_place
    if opening.key in pack.not_names and not is_surname:
        return None
    if (
        is_doubtful
        and not is_surname
        and (opening.opens or is_big_place or opening.key in view.low)
        and (opening.opens or opening.key not in pack.given_words)
    ):
        return None
    if is_doubtful and opening.key not in pack.given_words and place_is_meant(view, first, last):
        return None
    if is_doubtful and is_common(view, closing):
        is_low = opening.key in view.low or closing.key in view.low
        is_verb = opening.opens and (is_low or opening.key in _VERBS)
        if is_verb or opening.key not in pack.given_words:
            return None
    if is_doubtful and not is_surname and opening.key not in pack.given_words | names.surnames:
        return None
    if _holds_thing(view, first + 1, last):
        return None
    if is_doubtful:
        return Decision(first, last, PERSON, "given_name", "weak")
    return Decision(first, last, PERSON, "given_name", "strong" if is_surname else "medium")


def _without_roman(view: View, first: int, last: int) -> Token:
    closing = view.tokens[last - 1]
    if closing.key in view.pack.roman and last - first > 2:
        return view.tokens[last - 2]
    return closing


def _hyphened(token: Token) -> str:
    """Return the key as the name lists spell it: Anne-Marie as one word."""
    return token.key.replace(" ", "-")


def _holds_thing(view: View, first: int, last: int) -> bool:
    """Return whether one of these words cannot be a surname (Street, Award, Company)."""
    pack = view.pack
    for token in view.tokens[first:last]:
        key = token.key
        if key in pack.weekdays or key in pack.openers:
            return True
        if key not in view.names.surnames and (
            key in pack.months
            or key in pack.titles
            or key in pack.place_heads
            or key in pack.organisation_heads
            or key in pack.other_heads
            or (key in view.low and key in pack.common)
        ):
            return True
    return False


def _is_initial(token: Token) -> bool:
    return len(token.text) <= 6 and token.is_abbreviation and is_upper(token)


def _initials(view: View, first: int, last: int) -> Decision | None:
    """J. Marsh, A.J. Hollis: initials and a surname."""
    if view.tokens[first].key in ("us", "uk", "un", "eu", "dc", "la") or last - first > 4:
        return None
    closing = view.tokens[last - 1]
    if len(closing.text) < 2 or is_upper(closing) or _holds_thing(view, first + 1, last):
        return None
    if _is_initial(view.tokens[first + 1]) and last - first == 2:
        return None
    return Decision(first, last, PERSON, "initials", "medium")


def apposition(view: View, first: int, last: int, title: str) -> Decision | None:
    """Speech, an age or a description after a name."""
    del title
    tokens, pack, names = view.tokens, view.pack, view.names
    count = last - first
    if count > 4 or tokens[last - 1].is_possessive or has_article(view, first):
        return None
    token = tokens[first]
    if count >= 2 and _is_role_before(view, first) and not is_common(view, tokens[last - 1]):
        return Decision(first, last, PERSON, "role_before", "medium")
    is_doubtful = any(
        one.key in pack.not_names or is_common(view, one) for one in tokens[first:last]
    )
    if is_doubtful and not any(one.key in names.surnames for one in tokens[first + 1 : last]):
        return None
    if place_hint(key_of(view, first, last)).kind or _holds_thing(view, first, last):
        return None
    if any(_hyphened(one) in names.given for one in tokens[first + 1 : last - 1]):
        return None
    following = key_at(view, last)
    if following in {",", "("} and (_is_age(view, last + 1) or key_at(view, last + 1) in pack.ages):
        return Decision(first, last, PERSON, "age_after", "strong")
    if count >= 2 and "who" in {following, key_at(view, last + 1)} and following in {",", "who"}:
        return Decision(first, last, PERSON, "description_after", "medium")
    if following == "," and count >= 2 and _describes(view, last + 1):
        return Decision(first, last, PERSON, "description_after", "medium")
    is_named = token.key in names.surnames or token.key in names.given
    if is_upper(token) and len(token.text) > 1:
        return None
    if speaks(view, last) and (count > 1 or is_named):
        return Decision(first, last, PERSON, "speech_verb", "medium" if is_named else "weak")
    is_told = key_at(view, first - 1) in pack.near_speech
    if is_told and (count > 1 or is_named) and key_at(view, first - 2) in _CLOSING_QUOTES:
        return Decision(first, last, PERSON, "speech_verb_before", "medium")
    return None


def _is_role_before(view: View, first: int) -> bool:
    """Return whether a role and a comma precede: "her co-author, X"."""
    if key_at(view, first - 1) != ",":
        return False
    role = key_at(view, first - 2)
    if role not in view.pack.after_person and role not in view.pack.titles:
        return False
    return (
        not view.tokens[first - 2].is_capital
        and not place_hint(key_of(view, first, first + 1)).kind
    )


def _is_age(view: View, number: int) -> bool:
    tokens = view.tokens
    if number + 1 >= len(tokens) or not tokens[number].text.isdigit():
        return False
    return 1 <= int(tokens[number].text[:4]) <= 110 and tokens[number + 1].text in _AFTER_AGE


def _describes(view: View, number: int) -> bool:
    """Return whether "the president", "a 34-year-old teacher" starts here."""
    after = view.pack.after_person
    start = number + 1 if key_at(view, number) in view.pack.articles else number
    if start == number and key_at(view, number) not in after:
        return False
    for token in view.tokens[start : start + 5]:
        if token.key in after or token.key.endswith("-year-old"):
            return True
        if not token.is_word or token.key in view.pack.openers:
            return False
    return False


def surname(view: View, first: int, last: int, title: str) -> Decision | None:
    """Two or three capitals that end in a surname."""
    del title
    tokens, pack = view.tokens, view.pack
    if not 2 <= last - first <= 3 or has_article(view, first):
        return None
    if place_hint(key_of(view, first, last)).kind:
        return None
    closing = tokens[last - 1]
    if _hyphened(closing) not in view.names.surnames or is_common(view, closing):
        return None
    if any(_hyphened(token) in view.names.given for token in tokens[first + 1 : last - 1]):
        return None
    for token in tokens[first : last - 1]:
        if is_common(view, token) or (is_upper(token) and len(token.text) > 1):
            return None
        if token.key in pack.not_names | pack.sentence_words | pack.organisation_heads:
            return None
        if token.key in pack.other_heads or place_hint(token.key).population > 50_000:
            return None
    return Decision(first, last, PERSON, "surname", "weak")


def lone_given_name(view: View, first: int, last: int, title: str) -> Decision | None:
    """A single word inside a sentence that is only a given name, and acts."""
    token = view.tokens[first]
    if title or last - first != 1 or token.opens or token.is_shouted or len(token.text) < 3:
        return None
    if is_common(view, token) or is_upper(token) or has_article(view, first):
        return None
    if token.key in view.pack.not_names | view.pack.other_heads or place_hint(token.key).kind:
        return None
    if token.key not in view.names.given:
        return None
    if token.is_possessive or speaks(view, last) or key_at(view, last) in _ACTS:
        return Decision(first, last, PERSON, "lone_given_name", "weak")
    return None
