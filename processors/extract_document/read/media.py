"""Reads the images, videos, links and licence of an article from its page; nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

import msgspec
from lxml.html import HtmlElement

from ingest.identity import host_of
from ingest.model import Image, Video
from processors.extract_document.read.decode import clean
from processors.extract_document.read.jsonld import pixels
from processors.extract_document.read.metadata import PageMetadata, absolute
from processors.extract_document.read.tree import PageElements, text_of

MAX_IMAGES = 20
MAX_VIDEOS = 20
_MAX_CAPTION_CHARACTERS = 1000
_MAX_CREDIT_CHARACTERS = 200
_LEAST_PIXELS = 100
_OUTSIDE = frozenset(("nav", "footer", "aside"))
_INSIDE = frozenset(("article", "main"))
#: More elements than this on one page are ignored.
_MAX_ELEMENTS = 1000
#: Attributes of lazily loaded images, then the usual one.
_SOURCES = ("data-src", "data-original", "data-lazy-src", "data-url", "data-image", "src")
_SOURCE_SETS = ("data-srcset", "srcset")
_CREDIT_CLASS = re.compile(
    r"credit|copyright|photographer|byline|(?:^|[\s_-])(?:source|quelle|rights|autor|author|fotograf\w*)(?:$|[\s_-])",
    re.I,
)
#: "Photo: Bo Ray", "(Photo by Bo Ray)", "Foto: dpa", "© Bo Ray" at the end of a caption.
_CREDIT = re.compile(
    r"(?:^|[\s(\[|])"
    r"(?P<credit>(?:(?:photo(?:graph|graphie)?|image|picture|foto(?:graf(?:ie|ía|ia)?)?|bild(?:nachweis|quelle)?"
    r"|imagen?|immagine|beeld|crédits?(?:\s+photo)?|credits?|source|quelle|fonte|fuente|zdjęcie|фото|источник)"
    r"(?:\s+(?:credit|by|von|par|de|di))?\s*[:/]|(?:photo(?:graph)?|image|picture)\s+by\b|©|\(c\))\s*"
    r"(?P<name>[^.;|()\[\]]{2,100}?))[)\]]?\.?\s*$",
    re.I,
)  # fmt: skip
_FURNITURE = re.compile(r"logo|icon|avatar|sprite|pixel|spacer|placeholder|blank\.|1x1", re.I)
_IMAGE_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)(?:$|\?)", re.I)
#: Hosts whose frames are video players.
_PLAYERS = (
    "youtube.com", "youtube-nocookie.com", "youtu.be", "vimeo.com", "dailymotion.com",
    "jwplatform.com", "jwplayer.com", "brightcove.net", "brightcove.com", "kaltura.com",
    "rumble.com", "twitch.tv", "wistia.com", "wistia.net", "streamable.com", "vidyard.com",
    "glomex.com", "rutube.ru", "odysee.com", "peertube.tv", "facebook.com", "tiktok.com",
)  # fmt: skip
_PLAYER_PATH = re.compile(r"/(?:video|videos|embed|player|plugins/video)[/.?-]", re.I)
_PLAYERS_BY_PATH = frozenset(("facebook.com", "tiktok.com"))
_VIDEO_NAMES = ("og:video:secure_url", "og:video:url", "og:video", "twitter:player")
_LICENCE_NAMES = (
    "dc.rights.license", "dcterms.license", "dc.license", "license", "licence", "cc:license",
)  # fmt: skip
#: A licence inside these belongs to an image or to a quoted text.
_ELSEWHERE = frozenset(("figure", "aside"))
_COMMONS = ("creativecommons.org/licenses/", "creativecommons.org/publicdomain/")
MAX_LINKS = 500
#: Containers of links that navigate the site rather than belong to the article.
_AROUND_THE_TEXT = frozenset(("nav", "header", "footer", "aside"))
_NO_LINKS = ("#", "javascript:", "mailto:", "tel:", "data:")


def read_images(
    elements: PageElements, metadata: PageMetadata, jsonld: Iterable[Image], base_url: str
) -> tuple[Image, ...]:
    """Return the images of an article, each URL once, at most 20, the main one first.

    Captions and credits on the page complete the metadata of the same URL.
    URLs are absolute http(s), never data URIs. Errors: none.
    """
    found: dict[str, Image] = {}
    for image in (*_from_meta(metadata), *jsonld, *_from_page(elements)):
        url = absolute(image.url, base_url)
        if not url or _FURNITURE.search(url.rpartition("/")[2][:200]):
            continue
        key = url.partition("?")[0] if _IMAGE_FILE.search(url) else url
        known = found.get(key)
        if known is not None:
            found[key] = _completed(known, image)
        elif len(found) < MAX_IMAGES:
            found[key] = msgspec.structs.replace(image, url=url)
    return tuple(found.values())


def read_videos(
    elements: PageElements, metadata: PageMetadata, jsonld: Iterable[Video], base_url: str
) -> tuple[Video, ...]:
    """Return the videos of an article, each URL once, at most 20. Errors: none."""
    found: dict[str, Video] = {}
    named = (metadata.named.get(name, "") for name in _VIDEO_NAMES)
    from_meta = (Video(url=url, source="meta") for url in named if url)
    for video in (*jsonld, *from_meta, *_videos_on(elements)):
        url = absolute(video.url, base_url)
        if url and len(found) < MAX_VIDEOS:
            found.setdefault(url, msgspec.structs.replace(video, url=url))
    return tuple(found.values())


def _from_meta(metadata: PageMetadata) -> Iterator[Image]:
    if metadata.image:
        yield Image(
            url=metadata.image,
            caption=metadata.first(("og:image:alt", "twitter:image:alt"))[:_MAX_CAPTION_CHARACTERS],
            width=pixels(metadata.named.get("og:image:width", "")),
            height=pixels(metadata.named.get("og:image:height", "")),
            source="meta",
        )


def _from_page(elements: PageElements) -> Iterator[Image]:
    """Return the images in figures, and other images in the article that are not links."""
    for element in elements.images[:_MAX_ELEMENTS]:
        around = elements.around(element)
        if not _OUTSIDE.isdisjoint(around) or "figure" in around:
            continue
        if element.tag == "figure":
            yield from _of_figure(element, around)
        elif "a" not in around and not _INSIDE.isdisjoint(around):
            url = _source(element, element)
            width, height = pixels(element.get("width")), pixels(element.get("height"))
            if url and not (0 < width < _LEAST_PIXELS or 0 < height < _LEAST_PIXELS):
                yield _image(url, element, clean(element.get("alt") or ""), "")


def _of_figure(figure: HtmlElement, around: Container[object]) -> Iterator[Image]:
    if "a" in around and _leads_elsewhere(figure):
        return
    image = next(figure.iter("img"), None)
    url = "" if image is None else _source(image, figure)
    if image is not None and url:
        caption, credit = _caption(figure)
        yield _image(url, image, caption or clean(image.get("alt") or ""), credit)


def _image(url: str, image: HtmlElement, caption: str, credit: str) -> Image:
    return Image(
        url=url,
        caption=" ".join(caption.split())[:_MAX_CAPTION_CHARACTERS],
        credit=credit[:_MAX_CREDIT_CHARACTERS],
        width=pixels(image.get("width")),
        height=pixels(image.get("height")),
        source="page",
    )


def _completed(known: Image, other: Image) -> Image:
    """Return the known image completed by the other; a caption on the page is preferred."""
    has_better = other.source == "page" and other.caption
    return msgspec.structs.replace(
        known,
        caption=other.caption if has_better else known.caption or other.caption,
        credit=known.credit or other.credit,
        width=known.width or other.width,
        height=known.height or other.height,
    )


def _leads_elsewhere(figure: HtmlElement) -> bool:
    """Return whether a figure links to another page: a teaser, not an image of this article."""
    for element in figure.iterancestors("a"):
        return not _IMAGE_FILE.search(element.get("href") or "")
    return False


def _source(image: HtmlElement, holder: HtmlElement) -> str:
    """Return the URL of an image, the widest of a set; "" for none or a data URI."""
    for name in _SOURCES:
        url = (image.get(name) or "").strip()
        if url and not url.lower().startswith(("data:", "blob:", "about:")):
            return url
    sets = (one.get(name) for one in (image, *holder.iter("source")) for name in _SOURCE_SETS)
    return next((url for one in sets if one and (url := _widest(one))), "")


def _widest(source_set: str) -> str:
    best, width = "", -1.0
    for one in source_set[:4000].split(", ")[:30]:
        url, _, size = one.strip().partition(" ")
        try:
            number = float(size.strip().rstrip("wx") or 0)
        except ValueError:
            number = 0.0
        if number > width and not url.lower().startswith("data:"):
            best, width = url.rstrip(","), number
    return best


def _caption(figure: HtmlElement) -> tuple[str, str]:
    """Return caption and credit of a figure."""
    holder = next(figure.iter("figcaption"), None)
    credits = [
        element
        for element in figure.iter("span", "small", "cite", "div", "p", "em")
        if _CREDIT_CLASS.search(f"{element.get('class') or ''} {element.get('itemprop') or ''}"[:300])
    ]  # fmt: skip
    credit = clean(text_of(credits[0])[: 2 * _MAX_CREDIT_CHARACTERS]) if credits else ""
    caption = "" if holder is None else clean(text_of(holder)[: 2 * _MAX_CAPTION_CHARACTERS])
    if credit and credit in caption:
        caption = caption.replace(credit, " ", 1)
    if not credit:
        found = _CREDIT.search(caption)
        if found:
            caption, credit = caption[: found.start("credit")], found["credit"]
    caption = " ".join(caption.split()).strip(" |([")
    return caption, _bare(credit)


def _bare(credit: str) -> str:
    """Return a credit without the words that introduce it."""
    found = _CREDIT.match(f" {credit}")
    name = found["name"] if found else credit
    return " ".join(name.split()).strip(" :/()[]|,")


def _videos_on(elements: PageElements) -> Iterator[Video]:
    for element in elements.videos[:_MAX_ELEMENTS]:
        if not _OUTSIDE.isdisjoint(elements.around(element)):
            continue
        if element.tag == "iframe":
            url = (element.get("data-src") or element.get("src") or "").strip()
            url = f"https:{url}" if url.startswith("//") else url
            if _is_player(url):
                yield Video(url=url, title=clean(element.get("title") or "")[:300], source="page")
            continue
        sources = (element.get("src"), *(one.get("src") for one in element.iter("source")))
        url = next((one.strip() for one in sources if one and one.strip()), "")
        if url and not url.startswith(("data:", "blob:")):
            yield Video(url=url, title=clean(element.get("title") or "")[:300], source="page")


def _is_player(url: str) -> bool:
    host = host_of(url)
    for player in _PLAYERS:
        if host == player or host.endswith(f".{player}"):
            return player not in _PLAYERS_BY_PATH or bool(_PLAYER_PATH.search(url))
    return False


def read_licences(
    elements: PageElements,
    metadata: PageMetadata,
    jsonld: str,
    base_url: str,
) -> list[tuple[str, str, str]]:
    """Return each licence that a page states as value, source and raw form, the best first.

    A value is a URL or a name, "" for none.
    Order: JSON-LD of the article, `rel=license`, meta tags, a link to Creative Commons.
    Errors: none.
    """
    stated, commons = _linked(elements, base_url)
    named = metadata.first(_LICENCE_NAMES)
    return [
        (_address_or_name(jsonld, base_url), "jsonld", jsonld),
        (stated, "page", ""),
        (_address_or_name(named, base_url), "meta", named),
        (commons, "page", ""),
    ]


def _linked(elements: PageElements, base_url: str) -> tuple[str, str]:
    """Return the first link marked as the licence, and the first to a Creative Commons licence."""
    stated = commons = ""
    for element in (*elements.links, *elements.anchors):
        rel, href = element.get("rel") or "", element.get("href") or ""
        if not ("license" in rel or "creativecommons.org/" in href):
            continue
        if not _ELSEWHERE.isdisjoint(elements.around(element)):
            continue
        url = absolute(href, base_url)
        if "license" in rel.lower().split():
            stated = stated or url
        if any(known in url for known in _COMMONS):
            commons = commons or url
    return stated, commons


def _address_or_name(value: str, base_url: str) -> str:
    """Return a URL as an absolute one, a name as it is."""
    value = clean(value).strip()
    if "/" in value and " " not in value:
        return absolute(value, base_url)
    return value[:200]


def read_links(elements: PageElements, base_url: str) -> tuple[str, ...]:
    """Return the targets of the page's own links: absolute, each once, at most 500, in order.

    Links in menus, headers, footers and side columns are left out.
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    for element in elements.anchors:
        href = element.get("href")
        if href is None or href in seen or href.startswith(_NO_LINKS):
            continue
        if not _AROUND_THE_TEXT.isdisjoint(elements.around(element)):
            continue
        seen.add(href)
        link = absolute(href, base_url)
        if link:
            found[link] = None
            if len(found) >= MAX_LINKS:
                break
    return tuple(found)


def count_sponsored_links(elements: PageElements) -> int:
    """Return how many of the page's own links are marked as sponsored."""
    return sum(
        "sponsored" in (element.get("rel") or "")
        and _AROUND_THE_TEXT.isdisjoint(elements.around(element))
        for element in elements.anchors
    )
