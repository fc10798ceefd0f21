"""Cues that a name is an organisation."""

from __future__ import annotations

from ingest.entities.gazetteer import place_hint
from processors.find_entities.tokens import (
    ORGANISATION,
    Decision,
    View,
    is_common,
    is_person_like,
    key_at,
    key_of,
    place_is_meant,
)

_LOCAL_HEADS = frozenset({"council", "board", "court", "police", "school", "department", "office",
                          "college", "hospital", "assembly", "commission"})  # fmt: skip
_CLUB_FIRST = frozenset({"fc", "afc", "cf", "ac", "rc", "sc", "real", "atletico", "sporting"})


def known(view: View, first: int, last: int, title: str) -> Decision | None:
    """An organisation on our list."""
    hit = view.known.get(first)
    if hit is None or hit[0] != last:
        return None
    found = hit[1]
    if title and (found.flags or not title.islower()):
        return None
    if found.flags == "s":
        if not view.is_sport or place_is_meant(view, first, last):
            return None
        return Decision(first, last, ORGANISATION, "known_club", "medium", found.name)
    if found.flags == "a":
        if not _is_believed(view, first, last):
            return None
        return Decision(first, last, ORGANISATION, "known_organisation", "medium", found.name)
    return Decision(first, last, ORGANISATION, "known_organisation", "strong", found.name)


def _is_believed(view: View, first: int, last: int) -> bool:
    """Return whether an ambiguous name means the organisation here."""
    token = view.tokens[first]
    if token.key in view.low or token.key in view.pack.not_names:
        return False
    if place_hint(token.key).kind and place_is_meant(view, first, last):
        return False
    is_followed = view.tokens[last - 1].is_possessive or (
        key_at(view, last) in view.pack.speech | view.pack.organisation_after
    )
    if key_at(view, last) in {"and", ","} and last + 1 in view.known:
        return True
    if key_at(view, last) == "," and key_at(view, last + 1) in {"which", "whose"}:
        return True
    return is_followed if token.opens else True


def headed(view: View, first: int, last: int, title: str) -> Decision | None:
    """A head word: Ministry of …, … University, … Inc, … United."""
    pack = view.pack
    keys = [token.key for token in view.tokens[first:last]]
    if len(keys) == 1:
        return _lone(view, first, last, title)
    if title and len(keys) <= 3 and keys[-1] in pack.surname_heads:
        return None
    for place, key in enumerate(keys):
        is_first = place == 0 and pack.heads_come_first and keys[1] not in view.names.given
        if key in pack.organisation_heads_first and (
            pack.of_words & set(keys[place + 1 :]) or is_first
        ):
            return Decision(first, last, ORGANISATION, "organisation_head", "strong", key)
    head = keys[-1]
    if head == "executive" and "and" in keys:
        return Decision(first, last, ORGANISATION, "organisation_head", "strong", head)
    if len(keys) == 2 and keys[0] in pack.local_words and head in _LOCAL_HEADS:
        return None
    if head == "capital" and keys[0] in pack.common:
        return None
    if head in pack.organisation_heads and key_at(view, last) != "-":
        if head in pack.surname_heads and is_person_like(view, first, last):
            return None
        if place_hint(" ".join(keys)).kind in ("city", "region", "country", "area"):
            return None
        rule = "club_head" if head == "united" else "organisation_head"
        return Decision(first, last, ORGANISATION, rule, "strong", head)
    if "&" in keys[1:-1] and all(len(key) > 1 for key in keys if key != "&"):
        return Decision(first, last, ORGANISATION, "ampersand", "medium")
    return _of_country(view, first, last) or _club(view, first, last, keys)


def _of_country(view: View, first: int, last: int) -> Decision | None:
    """Sport England, Statistics Canada: an ordinary word, then a country."""
    opening, closing = view.tokens[first], view.tokens[last - 1]
    pack = view.pack
    if last - first != 2 or opening.opens or place_hint(closing.key).kind != "country":
        return None
    if opening.key in pack.directions | pack.openers | pack.titles | pack.title_modifiers:
        return None
    if opening.key in pack.months | pack.not_names | view.names.given:
        return None
    if opening.key not in pack.organisation_words and opening.key not in pack.pair_words:
        return None
    if place_hint(key_of(view, first, last)).kind:
        return None
    return Decision(first, last, ORGANISATION, "word_and_country", "medium")


def _lone(view: View, first: int, last: int, title: str) -> Decision | None:
    token = view.tokens[first]
    if token.key not in view.pack.organisation_alone or title:
        return None
    strength = "weak" if token.opens else "medium"
    return Decision(first, last, ORGANISATION, "lone_organisation_word", strength)


def _club(view: View, first: int, last: int, keys: list[str]) -> Decision | None:
    if not view.is_sport:
        return None
    is_town = keys[-1] in {"city", "town", "county"} and place_hint(" ".join(keys[:-1])).kind
    if is_town and not place_hint(" ".join(keys)).kind:
        return Decision(first, last, ORGANISATION, "club_head", "medium", keys[-1])
    is_plural = keys[-1].endswith("s") and keys[-1] not in view.pack.not_names
    if is_plural and place_hint(" ".join(keys[:-1])).kind and not place_hint(" ".join(keys)).kind:
        return Decision(first, last, ORGANISATION, "club_head", "medium", keys[-1])
    if keys[0] in _CLUB_FIRST and not view.tokens[first].opens:
        return Decision(first, last, ORGANISATION, "club_head", "medium", keys[0])
    return None


def acronym(view: View, first: int, last: int, title: str) -> Decision | None:
    """Two to six capitals that are not a common abbreviation."""
    token = view.tokens[first]
    text = token.text.replace(".", "").replace("&", "")
    if last - first != 1 or title or not 2 <= len(text) <= 6 or not text.isupper():
        return None
    if token.key in view.pack.not_organisations or token.is_shouted or not text.isalpha():
        return None
    before, following = key_at(view, first - 1), key_at(view, last)
    if before == "(" and following == ")" and first > 1 and view.tokens[first - 2].is_capital:
        return Decision(first, last, ORGANISATION, "acronym", "strong")
    if following[:1].isdigit() or before[:1].isdigit():
        return None
    if token.key in view.low or is_common(view, token) or _is_shouting(view, first, last):
        return None
    if place_hint(token.key).kind and before != "the":
        return None
    if not _acts_as_organisation(view, first, last, before, following):
        return None
    return Decision(first, last, ORGANISATION, "acronym", "medium")


def _is_shouting(view: View, first: int, last: int) -> bool:
    """Return whether a neighbouring word is in capitals too."""
    for number in (first - 1, last):
        if 0 <= number < len(view.tokens):
            text = view.tokens[number].text
            if len(text) > 1 and text.isalpha() and text.isupper():
                return True
    return False


def _acts_as_organisation(view: View, first: int, last: int, before: str, following: str) -> bool:
    """Return whether the context is "the ABC said" or "ABC's chief".

    Capitals alone may be a part, a rule or a disease."""
    pack = view.pack
    if following in pack.speech or following in pack.organisation_after:
        return True
    if before in pack.organisation_before or before in pack.titles:
        return True
    if before in {"of", "for", "at", "by"} and key_at(view, first - 2) in (
        pack.organisation_nouns | pack.titles
    ):
        return True
    if view.tokens[last - 1].is_possessive and before in {"at", "by", "from", "of", "with", "to"}:
        return True
    if before not in pack.definite_articles:
        return pack.language != "en" and before in pack.of_words
    if pack.language != "en":
        return True
    after = view.tokens[last] if last < len(view.tokens) else None
    if view.tokens[last - 1].is_possessive:
        return True
    return after is None or not after.is_word or after.is_capital or after.key in pack.openers


def in_context(view: View, first: int, last: int, title: str) -> Decision | None:
    """Shares of X, a spokesman for X, X shares, the airline X."""
    pack, tokens = view.pack, view.tokens
    count = last - first
    if title or count > 4 or (tokens[first].opens and count == 1):
        return None
    if count == 1 and is_common(view, tokens[first]):
        return None
    if any(token.key in pack.not_names or token.key in pack.months for token in tokens[first:last]):
        return None
    before = key_at(view, first - 1)
    is_named = (
        before in pack.organisation_before
        and not view.tokens[first - 1].is_possessive
        and not is_person_like(view, first, last)
    )
    if before in {"of", "for", "at"} and key_at(view, first - 2) in pack.organisation_nouns:
        is_named = is_named or not is_person_like(view, first, last)
    if before == "in" and key_at(view, first - 2) in {"shares", "stake", "stock", "stakes"}:
        is_named = True
    is_named = is_named or key_at(view, last) in pack.organisation_after
    if key_at(view, last) == "(" and key_at(view, last + 1) in {"nyse", "nasdaq", "lse"}:
        is_named = True
    hint = place_hint(key_of(view, first, last))
    if not is_named or (
        hint.kind and (hint.kind != "city" or before not in pack.organisation_before)
    ):
        return None
    return Decision(first, last, ORGANISATION, "organisation_context", "medium")
