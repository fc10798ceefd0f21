"""Pictures, films, links to other forms of the page, licence: addresses only, with their sources."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.model import Document, Image
from tests.unit.extract_pages import ARTICLE, extracted, html_of

BASE = "https://elsin-courier.example"


def jsonld(**values: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle"} | values)}</script>'


def figure(inner: str) -> Document:
    return extracted(html_of(f"<figure>{inner}</figure>{ARTICLE}"))


def test_the_main_picture_has_size_and_description_of_its_tags() -> None:
    head = (
        '<meta property="og:image" content="/img/ferry.jpg?w=1200"><meta property="og:image:alt" content="The ferry">'
        '<meta property="og:image:width" content="1200"><meta property="og:image:height" content="630px">'
    )
    found = extracted(html_of(head=head))
    assert found.images == (
        Image(url=f"{BASE}/img/ferry.jpg?w=1200", caption="The ferry", width=1200, height=630, source="meta"),
    )  # fmt: skip
    assert found.image == f"{BASE}/img/ferry.jpg?w=1200"
    assert found.provenance["images"].why == "1 meta"


@pytest.mark.parametrize(
    ("caption", "text", "credit"),
    [
        ("<figcaption>The old pier. <span class='credit'>Bo Ray/AP</span></figcaption>", "The old pier.", "Bo Ray/AP"),
        ("<figcaption>The old pier. Photo: Bo Ray</figcaption>", "The old pier.", "Bo Ray"),
        ("<figcaption>The old pier. (Photo by Bo Ray)</figcaption>", "The old pier.", "Bo Ray"),
        ("<figcaption>The old pier © Bo Ray</figcaption>", "The old pier", "Bo Ray"),
        ("<figcaption>Die alte Mole. Foto: Bo Ray/dpa</figcaption>", "Die alte Mole.", "Bo Ray/dpa"),
        ("<figcaption>Die alte Mole. <small class='image-copyright'>Quelle: Bo Ray</small></figcaption>", "Die alte Mole.", "Bo Ray"),
        ("<figcaption>Le vieux quai. Crédit photo : Bo Ray</figcaption>", "Le vieux quai.", "Bo Ray"),
        ("<figcaption>El viejo muelle. Fotografía: Bo Ray</figcaption>", "El viejo muelle.", "Bo Ray"),
        ("<figcaption>The pier, its photographer and its cat</figcaption>", "The pier, its photographer and its cat", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_a_figure_has_its_caption_apart_from_its_credit(
    caption: str, text: str, credit: str
) -> None:
    (image,) = figure(f'<img src="/img/pier.jpg" width="640">{caption}').images
    assert (image.url, image.width) == (f"{BASE}/img/pier.jpg", 640)
    assert (image.caption, image.credit) == (text, credit)


@pytest.mark.parametrize(
    ("tag", "url"),
    [
        ('<img src="data:image/gif;base64,AAAA" data-src="/late.jpg">', "/late.jpg"),
        ('<img srcset="/a.jpg 400w, /b.jpg 1200w, /c.jpg 800w">', "/b.jpg"),
        ('<picture><source srcset="/d.webp 2x"><img></picture>', "/d.webp"),
        ('<img src="data:image/png;base64,AAAA">', ""),
        ('<img src="/img/logo-small.png">', ""),
        ('<a href="/img/large.jpg"><img src="/e.jpg"></a>', "/e.jpg"),
    ],
)
def test_pictures_that_load_late_are_found_and_data_uris_never(tag: str, url: str) -> None:
    assert [image.url for image in figure(tag).images] == ([f"{BASE}{url}"] if url else [])


def test_a_teaser_of_another_article_is_no_picture_of_this_one() -> None:
    teaser = '<a href="/other"><figure><img src="/other.jpg"></figure></a>'
    aside = '<aside><figure><img src="/aside.jpg"></figure></aside>'
    plain = '<p><img src="/own.jpg" alt="Own"></p><p><img src="/dot.jpg" width="1" height="1"></p>'
    found = extracted(html_of(teaser + aside + plain + ARTICLE))
    assert [image.url for image in found.images] == [f"{BASE}/own.jpg"]
    assert found.images[0].caption == "Own"


def test_pictures_of_jsonld_are_completed_by_the_page_and_each_stands_once() -> None:
    head = jsonld(
        image=[
            {"@type": "ImageObject", "url": f"{BASE}/a.jpg?w=1", "width": {"value": 800}, "creditText": "Bo Ray"},
            f"{BASE}/b.jpg",
            "data:image/png;base64,AAAA",
            {"@id": "#main"},
        ]
    )  # fmt: skip
    found = extracted(
        html_of(f'<figure><img src="/a.jpg?w=9"><figcaption>Pier</figcaption></figure>{ARTICLE}', head)
    )  # fmt: skip
    assert [(one.url, one.caption, one.credit, one.width) for one in found.images][:2] == [
        (f"{BASE}/a.jpg?w=1", "Pier", "Bo Ray", 800),
        (f"{BASE}/b.jpg", "", "", 0),
    ]


def test_there_are_never_more_than_twenty_pictures() -> None:
    many = "".join(f'<figure><img src="/{number}.jpg"></figure>' for number in range(60))
    assert len(extracted(html_of(many + ARTICLE)).images) == 20


def test_the_picture_of_the_feed_is_one_where_the_page_has_none() -> None:
    found = extracted("", {"image": f"{BASE}/feed.jpg"}, kind="feed", body=b"")
    assert [(one.url, one.source) for one in found.images] == [(f"{BASE}/feed.jpg", "feed")]


def test_films_come_from_jsonld_tags_and_players() -> None:
    head = (
        jsonld(
            video={"@type": "VideoObject", "name": "Ferry", "embedUrl": "https://player.example/1"}
        )
        + '<meta property="og:video:url" content="https://player.example/2">'
    )
    body = (
        '<iframe src="//www.youtube-nocookie.com/embed/3" title="Storm"></iframe>'
        '<iframe src="https://ads.example/frame"></iframe><video><source src="/4.mp4"></video>'
        '<iframe src="https://www.facebook.com/plugins/like.php"></iframe>'
    )  # fmt: skip
    found = extracted(html_of(body + ARTICLE, head))
    assert [(one.url, one.title, one.source) for one in found.videos] == [
        ("https://player.example/1", "Ferry", "jsonld"),
        ("https://player.example/2", "", "meta"),
        ("https://www.youtube-nocookie.com/embed/3", "Storm", "page"),
        (f"{BASE}/4.mp4", "", "page"),
    ]


@pytest.mark.parametrize(
    ("head", "body", "licence", "source"),
    [
        (jsonld(license="https://creativecommons.org/licenses/by/4.0/"), "",
         "https://creativecommons.org/licenses/by/4.0/", "jsonld"),
        (jsonld(license={"@type": "CreativeWork", "url": "/terms"}), "", f"{BASE}/terms", "jsonld"),
        ('<link rel="license" href="/licence">', "", f"{BASE}/licence", "page"),
        ("", '<p>Under <a href="https://creativecommons.org/licenses/by-nd/4.0/">CC</a></p>',
         "https://creativecommons.org/licenses/by-nd/4.0/", "page"),
        ('<meta name="dcterms.license" content="All rights reserved">', "", "All rights reserved", "meta"),
        ("", '<figure><img src="/a.jpg"><figcaption><a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC</a></figcaption></figure>',
         "", "none"),
        ("", "", "", "none"),
    ],
)  # fmt: skip
def test_the_licence_is_that_of_the_text_and_not_of_a_picture(
    head: str, body: str, licence: str, source: str
) -> None:
    found = extracted(html_of(body + ARTICLE, head))
    assert (found.licence, found.provenance["licence"].source) == (licence, source)


def test_the_amp_page_is_a_link_or_the_page_itself() -> None:
    found = extracted(html_of(head='<link rel="amphtml" href="/ferry/amp">'))
    assert (found.url_amp, found.provenance["url_amp"].source) == (f"{BASE}/ferry/amp", "meta")
    own = extracted(html_of().replace("<html lang", "<html ⚡ lang"))
    assert (own.url_amp, own.provenance["url_amp"].source) == (f"{BASE}/ferry", "page")
    assert extracted(html_of()).url_amp == ""
