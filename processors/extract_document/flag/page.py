"""Marks what kind of page a document came from; marks, never drops."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_END_CHARACTERS = 600
_CUT_CHARACTERS = 1000
_FEED_RATIO = 2.5
_CONSENT_CHARACTERS = 1500
_LEAST_CONSENT_PHRASES = 3
_BETWEEN_WORDS = re.compile(r"[\W_]+")

#: Words at the end of a text that stops where paying begins, by the part of a word that stands in
#: all of them: most texts hold none of these, which is told in a tenth of the time.
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

OPINION_TYPES = frozenset(("OpinionNewsArticle",))
LIVE_TYPES = frozenset(("LiveBlogPosting",))
#: How a title says of itself that it is opinion: the word and a mark after it.
_OPINION_TITLE = re.compile(
    r"(?:opinion|editorial|op-ed|guest essay|kommentar|meinung|leitartikel|gastbeitrag|gastkommentar|kolumne"
    r"|éditorial|édito|opinión|editoriale|opinião|opinie|hoofdredactioneel commentaar|ledare|debatt)\s?[:|]",
    re.I,
)
#: Segments of an address, or names of sections, that name a kind of text; without accents.
OPINION_SEGMENTS = frozenset(
    (
        "opinion", "opinions", "commentisfree", "editorial", "editorials", "op-ed", "oped",
        "op-eds", "columnists", "columns", "columnist", "letters", "letters-to-the-editor", "views",
        "viewpoint", "viewpoints", "commentary",
        "meinung", "meinungen", "kommentar", "kommentare", "kolumne", "kolumnen", "leitartikel",
        "gastbeitrag", "gastkommentar",
        "tribune", "tribunes", "debats", "chroniques",  "edito", "editos", "idees",
        "opiniones", "tribuna", "tribunas", "columnas", "editoriales",
        "opiniao", "opinioes", "colunas", "colunistas", "editoriais",
        "opinioni", "commenti", "editoriali",
        "opinie", "opinies", "columns-opinie", "commentaar",
        "debatt", "ledare", "kronikor", "meninger",  "debat", "kronik", "opinie-i-komentarze",
    )
)  # fmt: skip
LIVE_SEGMENTS = frozenset(
    (
        "live", "liveblog", "live-blog", "live-updates", "live-update", "live-news", "live-coverage",
        "liveticker", "live-ticker", "newsticker", "newsblog", "news-blog", "ticker",
        "endirect", "en-direct",  "en-directo", "directo", "en-vivo", "minuto-a-minuto",
        "diretta", "in-diretta", "ao-vivo", "minuto-a-minuto-ao-vivo", "liveblogs", "direkte",
        "na-zywo", "relacja-na-zywo",
    )
)  # fmt: skip


def has_paywall_phrase(text: str) -> bool:
    """Return whether the end of a text asks to pay."""
    end = text[-_END_CHARACTERS:]
    lower = end.lower()
    return any(part in lower and phrases.search(end) for part, phrases in _PAYWALL.items())


def is_consent_page(text: str) -> bool:
    """Return whether a text is short and says little but consent and cookies."""
    if not text or len(text) > _CONSENT_CHARACTERS:
        return False
    return sum(bool(phrase.search(text)) for phrase in _CONSENT) >= _LEAST_CONSENT_PHRASES


def is_cut(
    text_characters: int, feed_characters: int, *, is_metered: bool, has_phrase: bool
) -> bool:
    """Return whether a paid text seems to stop early: short, or far shorter than the feed's own."""
    if not (is_metered or has_phrase):
        return False
    return text_characters < _CUT_CHARACTERS or feed_characters > _FEED_RATIO * text_characters


class Signs(NamedTuple):
    """What tells the kind of a text: JSON-LD types and genres, names of sections, and itself."""

    types: tuple[str, ...]
    sections: tuple[str, ...]
    url: str
    title: str
    text: str


def why_opinion(signs: Signs, own_segments: tuple[str, ...]) -> str:
    """Return by what a text is known as opinion; "" when it is not.

    `own_segments` are those of the site: in addresses they count instead of the common list, as
    names of sections beside it.
    """
    own = frozenset(map(slug, own_segments))
    said = _OPINION_TITLE.match(signs.title)
    return (
        why_type(signs.types, OPINION_TYPES)
        or why_section(signs.sections, own | OPINION_SEGMENTS)
        or why_segment(signs.url, own or OPINION_SEGMENTS)
        or (f"“{said[0].strip()}” in the title" if said else "")
    )


def why_live_blog(signs: Signs, own_segments: tuple[str, ...]) -> str:
    """Return by what a text is known as a live blog; "" when it is not. Segments as for opinion."""
    known = frozenset(map(slug, own_segments)) or LIVE_SEGMENTS
    return why_type(signs.types, LIVE_TYPES) or why_segment(signs.url, known)


def why_type(types: tuple[str, ...], known: frozenset[str]) -> str:
    """Return which type of JSON-LD is one of these."""
    return next((f"JSON-LD type {one}" for one in types if one in known), "")


def why_section(sections: tuple[str, ...], known: frozenset[str]) -> str:
    """Return which name of a section is one of these."""
    return next((f"section {one}" for one in sections if one and slug(one) in known), "")


def why_segment(url: str, known: frozenset[str]) -> str:
    """Return which segment of an address, or first label of its host, is one of these."""
    segments, label = _places(url)
    found = next((segment for segment in segments if segment in known), "")
    if found:
        return f"/{found}/ in the address"
    return f"{label}. in the address" if label in known else ""


@lru_cache(maxsize=4)
def _places(url: str) -> tuple[tuple[str, ...], str]:
    """Return the segments of an address, and the first label of a host below a domain."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return (), ""
    label, _, rest = host.partition(".")
    segments = parts.path.strip("/").split("/")
    return tuple(slug(unquote(one)) for one in segments), label if "." in rest else ""


@lru_cache(maxsize=2048)
def slug(name: str) -> str:
    """Return a name as segments of addresses write it: "Débats & idées" → "debats-idees"."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return _BETWEEN_WORDS.sub("-", letters).strip("-")
