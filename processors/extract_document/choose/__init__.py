"""Chooses each field among what page and feed say: here the text, and what all choices share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from ingest.model import Candidate, Page, Provenance
from ingest.settings.site_rules import SiteRules
from processors.extract_document.options import Options
from processors.extract_document.read import HtmlReading, limits_of
from processors.extract_document.read.tree import fragment_text, paragraphs

_MAX_LOSERS = 5
_MAX_VALUE_CHARACTERS = 500
_MAX_WHY_CHARACTERS = 200

#: A text below this is flagged as short, never dropped.
SHORT_CHARACTERS = 250
_LEAST_JSONLD_CHARACTERS = 250
_JSONLD_RATIO = 1.5
_FEED_RATIO = 2.5
_LIST_MARK = re.compile(r"^[-*•]\s+", re.M)
_END_CHARACTERS = 600
_CUT_CHARACTERS = 1000
_CONSENT_CHARACTERS = 1500
_LEAST_CONSENT_PHRASES = 3
#: Phrases at the end of a text that a paywall cuts, by a substring that they all contain: most
#: texts contain none of the substrings, and searching for those takes a tenth of the time.
_PAYWALL = {
    part: re.compile("|".join(phrases), re.I)
    for part, phrases in {
        # English
        "subscri": (
            "subscribe to (?:continue|read|keep reading|unlock)", "subscribers? only",
            "(?:already|are you) a subscriber",
            "this (?:article|content|story) is (?:for|available to|reserved for|exclusive to) (?:paying )?subscribers",
        ),
        "reading": (
            "to (?:continue|keep) reading,? (?:please )?(?:subscribe|log in|sign in|register)",
        ),
        "members": (
            "this (?:article|content|story) is (?:for|available to|reserved for|exclusive to) (?:paying )?members",
        ),
        "limit": ("you have reached your (?:free )?(?:article )?limit",),
        # German
        "weiterlesen": (
            "jetzt weiterlesen", "mit (?:einem )?\\w*abo\\w* weiterlesen", "diesen artikel weiterlesen",
        ),
        "bereits": ("(?:sie haben )?bereits (?:ein )?abo(?:nnent)?",),
        # German, French, Dutch
        "abonn": (
            "nur für abonnenten", "(?:article|contenu) réservé (?:aux|à nos) abonné", "déjà abonné",
            "pour lire la suite.{0,40}abonn", "alleen voor abonnees",
            "lees verder met een abonnement", "al abonnee\\?",
        ),
        "il vous reste": ("il vous reste .{1,20} de cet article à lire",),
        # Spanish, Portuguese, Italian
        "suscr": (
            "(?:contenido|artículo) exclusivo para suscriptores",
            "suscríbete para (?:seguir|continuar)",
        ),
        "assinante": ("(?:conteúdo|artigo) exclusivo para assinantes", "já é assinante"),
        "abbonat": (
            "contenuto riservato agli abbonati", "abbonati per (?:continuare|leggere)",
            "sei già abbonato",
        ),
    }.items()
}  # fmt: skip
_CONSENT = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        "(?:we|and our|with our).{0,40}partners", "use (?:of )?cookies|cookies? (?:policy|settings|preferences)",
        "accept all|reject all", "manage (?:your )?(?:choices|preferences|options)",
        "privacy (?:policy|settings|preferences)", "legitimate interest", "personalised (?:ads|advertising|content)|personalized (?:ads|advertising|content)",
        "withdraw (?:your )?consent|your consent", "gdpr|tcf",
        "alle akzeptieren", "einwilligung", "datenschutz", "wir und unsere partner", "cookies? (?:zu|zur|und)",
        "tout accepter|accepter et continuer", "vos préférences", "nos partenaires", "politique de confidentialité",
        "aceptar todo|aceptar y continuar", "política de (?:privacidad|cookies|privacidade)", "nuestros socios",
        "accetta tutti|accetta e continua", "informativa sulla privacy", "alles accepteren|alle cookies",
    )
)  # fmt: skip


class Fields(NamedTuple):
    """Some fields of a document, and the provenance of each."""

    values: dict[str, Any]
    proofs: dict[str, Provenance]


def candidate(value: str, source: str, raw: str = "") -> Candidate:
    """Return a candidate with its values limited to 500 characters."""
    return Candidate(
        value[:_MAX_VALUE_CHARACTERS], source, "" if raw == value else raw[:_MAX_VALUE_CHARACTERS]
    )


def provenance(
    value: str, source: str, others: Iterable[Candidate] = (), why: str = ""
) -> Provenance:
    """Return where a value came from, with at most 5 losing candidates, none empty.

    A candidate of the same source and value is the winner itself. `why` names the rule.
    """
    value = value[:_MAX_VALUE_CHARACTERS]
    losers = [
        other
        for other in others
        if (other.value or other.raw) and (other.source, other.value) != (source, value)
    ]
    return Provenance(
        source, value, tuple(dict.fromkeys(losers))[:_MAX_LOSERS], why[:_MAX_WHY_CHARACTERS]
    )


def first_of(candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the first candidate that has a value."""
    return next((one for one in candidates if one.value), None)


class ChosenText(msgspec.Struct, frozen=True):
    """The text, its `content_source` (site, page, jsonld, feed, none), and why."""

    text: str
    content_source: str
    why: str = ""


def choose_text(
    page: str,
    jsonld: str,
    feed: str,
    *,
    is_page_poor: bool,
    site: str = "",
    is_feed_preferred: bool = False,
) -> ChosenText:
    """Return the best text.

    `is_page_poor`: the page was refused, too deep, paid, or a consent wall, so that the feed's
    text wins if it is longer; otherwise it must be > 2.5 times as long. `site` is what the site's
    rule found, "" if nothing. `is_feed_preferred`: the feed's text wins if it is more than a few
    lines.
    """
    text, source, why = page, "page", ""
    if site:
        text, source, why = site, "site", "body_xpath of config/sites.yml"
    if jsonld and not site and _solid(page) == _solid(jsonld):
        # If a page has no text of its own, trafilatura returns that of JSON-LD in one piece.
        text, source, why = jsonld, "jsonld", "the page's text is that of JSON-LD"
    if len(jsonld) >= _LEAST_JSONLD_CHARACTERS and (
        len(text) < SHORT_CHARACTERS or len(jsonld) > _JSONLD_RATIO * len(text)
    ):
        why = f"the page has only {len(text)} characters"
        text, source = jsonld, "jsonld"
    if is_feed_preferred and len(feed) >= SHORT_CHARACTERS:
        text, source, why = feed, "feed", "prefer_feed_content in config/sites.yml"
    elif feed and len(feed) > len(text) * (1.0 if is_page_poor else _FEED_RATIO):
        poor = (
            "the page is refused, empty, paid or a consent wall" if is_page_poor else "far longer"
        )
        text, source, why = feed, "feed", f"{poor}: {len(text)} characters against {len(feed)}"
    return ChosenText(text, source if text else "none", why if text else "no source has a text")


class Body(NamedTuple):
    """The chosen text, the feed's text, and the reasons why the page is paid, a wall or cut."""

    chosen: ChosenText
    feed: str
    reasons: dict[str, str]


def body_of(page: Page, reading: HtmlReading, options: Options, rules: SiteRules) -> Body:
    """Return the best text among page, rules of the site, JSON-LD and feed. Errors: none."""
    own, site = reading.text.text, reading.site.text
    read = site or own
    metered_why = "jsonld isAccessibleForFree" if reading.jsonld.is_metered else ""
    if not metered_why and reading.metadata.is_metered:
        metered_why = "meta article:content_tier"
    is_metered, has_phrase = bool(metered_why), has_paywall_phrase(read)
    is_wall = is_consent_page(read)
    is_poor = is_wall or reading.outcome != "ok" or is_metered or has_phrase
    needs_all = is_poor or rules.prefer_feed_content
    feed = feed_text(page, options, at_least=0 if needs_all else int(_FEED_RATIO * len(read)))
    cut_short = is_cut(len(read), len(feed), is_metered=is_metered, has_phrase=has_phrase)
    chosen = choose_text(
        "" if is_wall and feed else own,
        paragraphs(reading.jsonld.body),
        feed,
        is_page_poor=is_wall or reading.outcome != "ok" or cut_short,
        site="" if is_wall and feed else site,
        is_feed_preferred=rules.prefer_feed_content,
    )
    reasons = {
        "is_metered": metered_why,
        "has_paywall_phrase": "a phrase at the end of the text" if has_phrase else "",
        "is_consent_page": "a short text about consent" if is_wall else "",
        "is_cut": "paid, and short or far shorter than the feed's text" if cut_short else "",
    }
    return Body(chosen, feed, reasons)


def feed_text(page: Page, options: Options, *, at_least: int = 0) -> str:
    """Return the feed's text: the longer of its content and its summary.

    "" if neither can be longer than `at_least` characters.
    """
    limits = limits_of(options)
    raw = [one for one in (page.entry.content, page.entry.summary) if len(one) > at_least]
    return max((fragment_text(one, limits) for one in raw), key=len, default="")


def has_paywall_phrase(text: str) -> bool:
    """Return whether the end of a text asks for payment."""
    end = text[-_END_CHARACTERS:]
    lower = end.lower()
    return any(part in lower and phrases.search(end) for part, phrases in _PAYWALL.items())


def is_consent_page(text: str) -> bool:
    """Return whether a text is short and mostly about consent and cookies."""
    if not text or len(text) > _CONSENT_CHARACTERS:
        return False
    return sum(bool(phrase.search(text)) for phrase in _CONSENT) >= _LEAST_CONSENT_PHRASES


def is_cut(
    text_characters: int, feed_characters: int, *, is_metered: bool, has_phrase: bool
) -> bool:
    """Return whether a paid text seems to be cut: short, or far shorter than the feed's."""
    if not (is_metered or has_phrase):
        return False
    return text_characters < _CUT_CHARACTERS or feed_characters > _FEED_RATIO * text_characters


def _solid(text: str) -> str:
    return "".join(_LIST_MARK.sub("", text).split())
