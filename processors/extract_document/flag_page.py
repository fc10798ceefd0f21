"""Marks what kind of page a document came from; marks, never drops."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_END_CHARACTERS = 600
_CUT_CHARACTERS = 1000
_FEED_RATIO = 2.5
_CONSENT_CHARACTERS = 1500
_LEAST_CONSENT_PHRASES = 3

#: Words at the end of a text that stops where paying begins, by language.
_PAYWALL = re.compile(
    "|".join(
        (
            # English
            "subscribe to (?:continue|read|keep reading|unlock)", "subscribers? only",
            "(?:already|are you) a subscriber", "to (?:continue|keep) reading,? (?:please )?(?:subscribe|log in|sign in|register)",
            "this (?:article|content|story) is (?:for|available to|reserved for|exclusive to) (?:paying )?(?:subscribers|members)",
            "you have reached your (?:free )?(?:article )?limit",
            # German
            "jetzt weiterlesen", "mit (?:einem )?\\w*abo\\w* weiterlesen", "nur für abonnenten",
            "(?:sie haben )?bereits (?:ein )?abo(?:nnent)?", "diesen artikel weiterlesen",
            # French
            "(?:article|contenu) réservé (?:aux|à nos) abonné", "déjà abonné",
            "il vous reste .{1,20} de cet article à lire", "pour lire la suite.{0,40}abonn",
            # Spanish, Portuguese, Italian, Dutch
            "(?:contenido|artículo) exclusivo para suscriptores", "suscríbete para (?:seguir|continuar)",
            "(?:conteúdo|artigo) exclusivo para assinantes", "já é assinante",
            "contenuto riservato agli abbonati", "abbonati per (?:continuare|leggere)", "sei già abbonato",
            "alleen voor abonnees", "lees verder met een abonnement", "al abonnee\\?",
        )
    ),
    re.I,
)  # fmt: skip
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

#: Segments of an address that name a kind of text.
_OPINION_SEGMENTS = frozenset(
    (
        "opinion", "opinions", "commentisfree", "editorial", "editorials", "op-ed", "oped",
        "columnists", "columns", "letters", "views", "meinung", "kommentar", "kommentare",
        "kolumnen", "opinie", "opiniones", "tribuna", "tribune", "tribunes", "debats", "opiniao",
        "opinioni", "commenti", "debatt", "leitartikel",
    )
)  # fmt: skip
_LIVE_SEGMENTS = frozenset(
    (
        "live", "liveblog", "live-blog", "live-updates", "live-news", "liveticker", "live-ticker",
        "newsticker", "endirect", "en-direct", "en-directo", "directo", "diretta", "ao-vivo",
    )
)  # fmt: skip


def has_paywall_phrase(text: str) -> bool:
    """Tell whether the end of a text asks to pay (extraction.md §7)."""
    return bool(_PAYWALL.search(text[-_END_CHARACTERS:]))


def is_consent_page(text: str) -> bool:
    """Tell whether a text is short and says little but consent and cookies."""
    if not text or len(text) > _CONSENT_CHARACTERS:
        return False
    return sum(bool(phrase.search(text)) for phrase in _CONSENT) >= _LEAST_CONSENT_PHRASES


def is_cut(
    text_characters: int, feed_characters: int, *, is_metered: bool, has_phrase: bool
) -> bool:
    """Tell whether a paid text seems to stop early: short, or far shorter than the feed's own."""
    if not (is_metered or has_phrase):
        return False
    return text_characters < _CUT_CHARACTERS or feed_characters > _FEED_RATIO * text_characters


def is_opinion(types: tuple[str, ...], section: str, url: str) -> bool:
    """Tell by JSON-LD type, section or address."""
    named = section.strip().lower().replace(" ", "-")
    return (
        "OpinionNewsArticle" in types
        or named in _OPINION_SEGMENTS
        or not _OPINION_SEGMENTS.isdisjoint(_segments(url))
    )


def is_live_blog(types: tuple[str, ...], url: str) -> bool:
    """Tell by JSON-LD type or address."""
    return "LiveBlogPosting" in types or not _LIVE_SEGMENTS.isdisjoint(_segments(url))


def _segments(url: str) -> set[str]:
    try:
        path = urlsplit(url).path
    except ValueError:
        return set()
    return set(path.lower().strip("/").split("/"))
