"""Flags what kind of text a document is; each flag has the reason why it is set."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ingest.settings.site_rules import SiteRules
from processors.extract_document.choose import Fields, provenance
from processors.extract_document.read import HtmlReading
from processors.extract_document.read.media import count_sponsored_links

_BETWEEN_WORDS = re.compile(r"[\W_]+")
OPINION_TYPES = frozenset(("OpinionNewsArticle",))
LIVE_TYPES = frozenset(("LiveBlogPosting",))
#: Titles that announce opinion: the word, then punctuation.
_OPINION_TITLE = re.compile(
    r"(?:opinion|editorial|op-ed|guest essay|kommentar|meinung|leitartikel|gastbeitrag|gastkommentar|kolumne"
    r"|éditorial|édito|opinión|editoriale|opinião|opinie|hoofdredactioneel commentaar|ledare|debatt)\s?[:|]",
    re.I,
)
#: Path segments and section names that mean opinion; without accents.
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
_START_CHARACTERS = 400
_END_CHARACTERS = 1500
_LABEL_CHARACTERS = 60
_LEAST_PAID_LINKS = 2
_RELEASE_TYPES = frozenset(("PressRelease", "PressReleaseArticle"))
#: Section names and path segments, without accents.
_RELEASE_NAMES = frozenset(
    (
        "press-release", "press-releases", "pressrelease", "pressreleases", "news-releases",
        "media-release", "media-releases", "prnewswire", "pr-newswire", "globenewswire",
        "business-wire", "businesswire", "ein-presswire",
        "pressemitteilung", "pressemitteilungen", "pressemeldung", "pressemeldungen",
        "presseportal", "presseinformation", "presseinformationen", "ots",
        "communique-de-presse", "communiques-de-presse", "communiques", "communique",
        "nota-de-prensa", "notas-de-prensa", "comunicado-de-prensa", "comunicados-de-prensa",
        "comunicados", "comunicado",
        "comunicato-stampa", "comunicati-stampa", "comunicati",
        "comunicado-de-imprensa", "comunicados-de-imprensa", "nota-a-imprensa", "press-releases-pt",
        "persbericht", "persberichten", "pressmeddelande", "pressmeddelanden", "pressemeddelelse",
        "pressemeddelelser", "pressemelding", "pressemeldinger", "komunikaty-prasowe",
        "komunikat-prasowy", "tiskove-zpravy",
    )
)  # fmt: skip
#: Press release services, as authors, agencies or publishers.
RELEASE_WIRES = frozenset(
    (
        "pr-newswire", "prnewswire", "business-wire", "businesswire", "globenewswire",
        "globe-newswire", "accesswire", "ein-presswire", "cision", "newsfile-corp", "newswire",
        "news-aktuell", "presseportal", "ots", "na-presseportal", "apa-ots", "europa-press-comunicados",
        "adnkronos-comunicati", "acn-newswire", "cnw-group", "prweb", "marketwired", "marketwire",
        "dgap", "eqs-news", "actusnews-wire", "media-outreach-newswire", "prensa-comunicados",
    )
)  # fmt: skip
#: Phrases in the first sentences of a release, in lower case.
_RELEASE_MARKS = (
    "for immediate release", "/prnewswire/", "/pr newswire/", "(globe newswire)", "(globenewswire)",
    "(business wire)", "(accesswire)", "(marketwired)", "globe newswire --", "globe newswire –",
    "(ots)", "sperrfrist:",
)  # fmt: skip
#: Beginnings of its title or text.
_RELEASE_START = re.compile(
    r"(?:press|media|news) release\b\s*[:–—-]?|presse(?:mitteilung|meldung|information)\b"
    r"|communiqué de presse\b|(?:nota|comunicado) de prensa\b|comunicato stampa\b"
    r"|(?:comunicado de imprensa|nota à imprensa)\b|persbericht\b|pressmeddelande\b"
    r"|pressemeddelelse\b|pressemelding\b|komunikat prasowy\b",
    re.I,
)
#: Phrases at its end, in lower case.
_RELEASE_END_MARKS = (
    "view source version on", "view the source version", "view original content", "original-content von",
    "übermittelt durch news aktuell", "übermittelt durch apa-ots",
)  # fmt: skip
#: Beginnings of lines at its end; each is sufficient.
_RELEASE_END = re.compile(
    r"(?-i:SOURCE [A-Z][^\n]{1,80}$)|(?:media|press) (?:contacts?|inquiries|enquiries)\b"
    r"|presse(?:kontakt|stelle)\s*:|(?:rückfragen|ansprechpartner) für (?:die )?(?:medien|presse|journalisten)"
    r"|contacts? (?:de )?presse\b|(?:contacto|contactos) (?:de|para) (?:la )?(?:prensa|medios)\b"
    r"|(?:contatti|ufficio) stampa\s*:|(?:contacto|contato|assessoria)s? (?:de|para a|com a) imprensa\b"
    r"|(?:noot voor de redactie|perscontact|niet voor publicatie)\b|press(?:e)?kontakt\b",
    re.I,
)
_PAID_TYPES = frozenset(("AdvertiserContentArticle",))
_PAID_NAMES = frozenset(
    (
        "sponsored", "sponsored-content", "sponsored-post", "sponsored-posts", "sponsor-content",
        "sponsoredcontent", "advertorial", "advertorials", "advertisement-feature",
        "advertisement-features", "paid-post", "paidpost", "paid-content", "paidcontent",
        "partner-content", "partnercontent", "partner-zone", "brandvoice", "brand-voice",
        "branded-content", "brandedcontent", "brand-studio", "brandstudio", "native-advertising",
        "promoted-content",
        "anzeige", "anzeigen", "sonderveroffentlichung", "sonderveroffentlichungen",
        "sonderveroeffentlichung", "sonderveroeffentlichungen", "gesponsert",
        "publireportage", "publireportages", "publi-reportage", "publi-redactionnel",
        "publi-redactionnels", "publiredactionnel", "contenu-sponsorise", "contenu-de-marque",
        "contenido-patrocinado", "contenidos-patrocinados", "publirreportaje", "publirreportajes",
        "patrocinado", "patrocinados", "branded",
        "contenuto-sponsorizzato", "contenuti-sponsorizzati", "publiredazionale",
        "publiredazionali", "informazione-pubblicitaria",
        "conteudo-patrocinado", "conteudo-de-marca", "especial-publicitario", "publieditorial",
        "advertentie", "gesponsorde-inhoud", "partnerbijdrage", "annons", "annonsorsinnehall",
        "sponsoreret", "annonce", "annonsorinnhold", "sponset-innhold", "material-partnera",
        "artykul-sponsorowany",
    )
)  # fmt: skip
#: The whole of a label beside the headline, or of a line at the top of the text.
_PAID_LABEL = re.compile(
    r"(?:sponsored(?: (?:content|post|article|feature|story|by .{1,40}))?|paid (?:content|post|partnership|program|for by .{1,40})"
    r"|advertorial|advert(?:isement)? feature|advertiser content|partner(?:ed)? content|branded content|brand ?voice|promoted(?: content| by .{1,40})?"
    r"|(?:content|presented|paid for|created|in partnership) (?:by|with) our (?:sponsor|advertiser)s?"
    r"|\W?anzeige\W?|bezahlte anzeige|sonderveröffentlichung|gesponserter (?:beitrag|inhalt)|gesponsert(?: von .{1,40})?|bezahlte partnerschaft|entgeltliche einschaltung"
    r"|publi-?r[ée](?:portage|dactionnel)|contenu (?:sponsorisé|partenaire|de marque)|article sponsorisé|communiqué sponsorisé"
    r"|(?:contenido|artículo) (?:patrocinado|de marca|promocionado)|publirreportaje|patrocinado(?: por .{1,40})?"
    r"|contenuto (?:sponsorizzato|pubblicitario)|publiredazionale|informazione pubblicitaria|messaggio promozionale"
    r"|conteúdo (?:patrocinado|de marca|publicitário)|publieditorial|informe publicitário|especial publicitário"
    r"|advertentie|gesponsorde (?:inhoud|bijdrage)|partnerbijdrage|betaalde (?:inhoud|bijdrage)"
    r"|annons(?:örsinnehåll)?|sponsrat innehåll|i samarbete med .{1,40}|annoncørbetalt indhold|sponsoreret indhold|annonsørinnhold"
    r"|artykuł sponsorowany|materiał (?:sponsorowany|partnera|reklamowy))",
    re.I,
)  # fmt: skip
_PAID_TITLE = re.compile(
    r"^\W{0,2}(?:anzeige|advertorial|sponsored|paid post|paid content|promoted|publi-?reportage|publirreportaje"
    r"|patrocinado|publiredazionale|publieditorial|advertentie|annons)\W{0,2}\s*[:|\]–—-]",
    re.I,
)
#: Sentences that disclose who paid.
_PAID_SENTENCE = re.compile(
    r"\bthis (?:article|content|post|story|feature) (?:is|was|has been) (?:sponsored|paid for|produced|created|written|brought to you) (?:and paid for )?(?:by|in (?:paid )?partnership with|on behalf of)\b"
    r"|\bthis is (?:a )?(?:sponsored|paid|branded) (?:content|post|article|partnership)\b"
    r"|\bthe newsroom (?:was|is) not involved in\b|\beditorial staff (?:was|were) not involved in\b"
    r"|\bdieser (?:artikel|beitrag|inhalt) (?:ist|wurde|entstand|erscheint) .{0,60}(?:gesponsert|bezahlt|im auftrag von|mit freundlicher unterstützung|in kooperation mit)"
    r"|\b(?:die )?redaktion (?:war|ist) (?:an der erstellung .{0,40})?nicht beteiligt"
    r"|\bcet article (?:est|a été) (?:sponsorisé|rédigé|réalisé|financé|proposé) (?:par|en partenariat|pour le compte)"
    r"|\bla rédaction n.a pas participé\b"
    r"|\beste (?:artículo|contenido) (?:es|ha sido|está) (?:patrocinad|elaborad|pagad|financiad|ofrecid)o\b"
    r"|\bquesto (?:articolo|contenuto) è (?:sponsorizzato|stato (?:realizzato|prodotto|sponsorizzato))"
    r"|\beste (?:artigo|conteúdo) (?:é|foi) (?:patrocinad|produzid|pag)o\b"
    r"|\bdit (?:artikel|bericht) (?:is|werd) (?:gesponsord|betaald|gemaakt in (?:opdracht|samenwerking))",
    re.I,
)  # fmt: skip
#: Every such sentence contains one of these; searching for them first is ten times as fast.
_PAID_WORDS = (
    "sponsor", "gesponsord", "paid", "brought to you", "partnership", "on behalf of", "not involved", "bezahlt", "auftrag",
    "unterstützung", "kooperation", "beteiligt", "rédigé", "réalisé", "financé", "proposé", "participé", "patrocinad",
    "elaborad", "pagad", "financiad", "ofrecid", "realizzato", "prodotto", "produzid", "pago", "betaald", "gemaakt",
)  # fmt: skip
_PAID_METAS = (
    "article:sponsor", "sponsor", "article:sponsored", "sponsored", "is_sponsored", "paid",
)  # fmt: skip
_NO = frozenset(("", "0", "false", "no", "none", "null"))
_PAID_OG_TYPES = frozenset(("advertorial", "sponsored", "article:sponsored"))


def flags_of(
    reading: HtmlReading,
    rules: SiteRules,
    *,
    url: str,
    section: str,
    names: tuple[str, ...],
    title: str,
    text: str,
) -> Fields:
    """Return the flags of a text; `names` are its authors, agencies and publisher. Errors: none."""
    jsonld, metadata = reading.jsonld, reading.metadata
    sections = (section, jsonld.section, jsonld.breadcrumb)
    signs = Signs(jsonld.types + jsonld.genres, sections, url, title, text)
    paid = why_paid(signs, jsonld.sponsor, metadata.named, reading.heading.labels)
    reasons = {
        "is_opinion": why_opinion(signs, rules.opinion_paths),
        "is_live_blog": why_live_blog(signs, rules.live_paths),
        "is_press_release": why_press_release(signs, names),
        "is_paid_content": paid or _why_links(reading, url),
    }
    return as_fields(reasons)


def as_fields(reasons: dict[str, str]) -> Fields:
    """Return flags from their reasons: "" means not set; a flag that is set has provenance."""
    return Fields(
        {name: bool(why) for name, why in reasons.items()},
        {name: provenance("true", _source(why), (), why) for name, why in reasons.items() if why},
    )


class Signs(NamedTuple):
    """The evidence for the kind of a text; `types` are JSON-LD types and genres."""

    types: tuple[str, ...]
    sections: tuple[str, ...]
    url: str
    title: str
    text: str


def why_opinion(signs: Signs, own_segments: tuple[str, ...]) -> str:
    """Return why a text is opinion; "" if it is not.

    `own_segments` are those of the site: in URLs they replace the common list, as section names
    they extend it.
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
    """Return why a text is a live blog; "" if it is not. Segments as for opinion."""
    known = frozenset(map(slug, own_segments)) or LIVE_SEGMENTS
    return why_type(signs.types, LIVE_TYPES) or why_segment(signs.url, known)


def why_type(types: tuple[str, ...], known: frozenset[str]) -> str:
    """Return which JSON-LD type is one of these."""
    return next((f"JSON-LD type {one}" for one in types if one in known), "")


def why_section(sections: tuple[str, ...], known: frozenset[str]) -> str:
    """Return which section name is one of these."""
    return next((f"section {one}" for one in sections if one and slug(one) in known), "")


def why_segment(url: str, known: frozenset[str]) -> str:
    """Return which path segment of a URL, or first label of its host, is one of these."""
    segments, label = _places(url)
    found = next((segment for segment in segments if segment in known), "")
    if found:
        return f"/{found}/ in the address"
    return f"{label}. in the address" if label in known else ""


@lru_cache(maxsize=2048)
def slug(name: str) -> str:
    """Return a name as URLs write it: "Débats & idées" → "debats-idees"."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return _BETWEEN_WORDS.sub("-", letters).strip("-")


def why_press_release(signs: Signs, names: Sequence[str]) -> str:
    """Return why a text is a press release; "" if it is not.

    `names` are its authors, agencies and publishers. A report that mentions a press release is
    not one: only its start and end count.
    """
    types, sections, url, title, text = signs
    known = (
        why_type(types, _RELEASE_TYPES)
        or why_section(sections + types, _RELEASE_NAMES)
        or why_segment(url, _RELEASE_NAMES)
        or next((f"by {name}" for name in names if slug(name) in RELEASE_WIRES), "")
    )
    if known:
        return known
    for part, where in ((title, "title"), (text[:_START_CHARACTERS], "start of the text")):
        begins = _RELEASE_START.match(part.lstrip())
        lower = part.lower()
        mark = begins[0] if begins else next((one for one in _RELEASE_MARKS if one in lower), "")
        if mark:
            return f"“{mark.strip()}” in the {where}"
    end = text[-_END_CHARACTERS:]
    lower = end.lower()
    mark = next((one for one in _RELEASE_END_MARKS if one in lower), "")
    if not mark:
        lines = (line.strip(" -*•\t") for line in end.split("\n")[1:])
        mark = next((found[0] for line in lines if (found := _RELEASE_END.match(line))), "")
    return f"“{mark.strip()}” at the end of the text" if mark else ""


def why_paid(signs: Signs, sponsor: str, metas: dict[str, str], labels: Sequence[str]) -> str:
    """Return why a text is paid content; "" if it is not.

    `labels` are short texts beside the headline: a label elsewhere on a page belongs to an
    advertisement. `sponsor` is that of JSON-LD, `metas` are the page's meta tags.
    """
    types, sections, url, title, text = signs
    found = (
        why_type(types, _PAID_TYPES)
        or why_section(sections + types, _PAID_NAMES)
        or why_segment(url, _PAID_NAMES)
        or (f"JSON-LD sponsor {sponsor}" if sponsor else "")
        or next((f"meta {name}" for name in _PAID_METAS if metas.get(name, "").lower() not in _NO), "")
        or ("meta og:type" if metas.get("og:type", "").lower() in _PAID_OG_TYPES else "")
    )  # fmt: skip
    if found:
        return found
    first = text.partition("\n")[0].strip()
    for label in (*labels, first if len(first) <= _LABEL_CHARACTERS else ""):
        if _PAID_LABEL.fullmatch(label.strip(" .:|–—-")):
            return f"label “{label}”"
    mark = _PAID_TITLE.match(title)
    if mark:
        return f"“{mark[0].strip()}” in the title"
    for part in (text[:_START_CHARACTERS], text[-_END_CHARACTERS:]):
        lower = part.lower()
        if any(word in lower for word in _PAID_WORDS):
            said = _PAID_SENTENCE.search(part)
            if said:
                return f"“{said[0]}”"
    return ""


def why_paid_links(sponsored: int, outgoing: int) -> str:
    """Return the reason if most outgoing links of a text are marked as sponsored; else ""."""
    if sponsored >= _LEAST_PAID_LINKS and sponsored * 2 > outgoing:
        return f"{sponsored} of {outgoing} outgoing links are rel=sponsored"
    return ""


def is_elsewhere(url: str, page_url: str) -> bool:
    """Return whether a link leads to another host."""
    try:
        host = urlsplit(url).hostname or ""
        return bool(host) and host != (urlsplit(page_url).hostname or "")
    except ValueError:
        return False


def _why_links(reading: HtmlReading, url: str) -> str:
    if reading.elements is None:
        return ""
    sponsored = count_sponsored_links(reading.elements)
    if not sponsored:
        return ""
    return why_paid_links(sponsored, sum(is_elsewhere(link, url) for link in reading.links))


def _source(why: str) -> str:
    """Return the source of a reason, as `Candidate` names it."""
    if why.lower().startswith(("json-ld", "jsonld")):
        return "jsonld"
    return "meta" if why.startswith("meta ") else "page"


@lru_cache(maxsize=4)
def _places(url: str) -> tuple[tuple[str, ...], str]:
    """Return the path segments of a URL, and the subdomain of its host."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return (), ""
    label, _, rest = host.partition(".")
    segments = parts.path.strip("/").split("/")
    return tuple(slug(unquote(one)) for one in segments), label if "." in rest else ""
