"""An article on several pages becomes one text, with what its pages repeat only once."""

from __future__ import annotations

from typing import Any

import zstandard

from ingest.model import Document, Page, PagePart
from ingest.settings.site_rules import SiteRules
from processors.extract_document.child import joined_texts, page_extractor
from tests.builders import a_page

URL = "https://elsin-courier.example/long"
_SENTENCES = (
    "The old sea wall of Port Elsin has stood since the winter of the great storm, and the people "
    "who built it are remembered by a plate of brass that nobody polishes any more. "
)
_FOOT = "Sign up for the letter that the Elsin Courier sends to its readers on Sunday mornings."


def paragraph(name: str) -> str:
    return f"{name} said on Thursday: {_SENTENCES * 2}".strip()


def html(*paragraphs: str, title: str = "The wall") -> str:
    body = "".join(f"<p>{one}</p>" for one in (*paragraphs, _FOOT))
    return (
        f"<!doctype html><html lang=en><head><title>{title}</title></head><body><article>"
        f"<h1>The wall</h1>{body}</article></body></html>"
    )


def part(number: int, page: str) -> PagePart:
    return PagePart(
        url=f"{URL}?page={number}", body=zstandard.compress(page.encode()), content_type="text/html"
    )


def extracted(page: Page, **options: Any) -> Document:
    return page_extractor({"drops_repeated_lines": False, **options}, "test")(page)


def test_the_text_is_that_of_all_pages_and_the_rest_of_the_first() -> None:
    parts = (
        part(2, html("Page 2 of 3", paragraph("Olwen"), paragraph("Tobias"), title="The wall, 2")),
        part(3, html("Page 3 of 3", paragraph("Ingrid"), title="The wall, 3")),
    )
    page = a_page("long", html(paragraph("Marta")), parts=parts)
    document = extracted(page)
    names = ("Marta", "Olwen", "Tobias", "Ingrid")
    assert [document.text.count(f"{name} said") for name in names] == [1, 1, 1, 1]
    places = [document.text.index(f"{name} said") for name in names]
    assert places == sorted(places)
    assert document.text.count(_FOOT) == 1
    assert "of 3" not in document.text
    assert document.title == "The wall"
    assert (document.page.part_count, document.page.parts_missing_reason) == (3, "")
    assert document.url_canonical == page.url_canonical


def test_a_single_page_says_so_and_a_missing_part_why() -> None:
    alone = extracted(a_page("long", html(paragraph("Marta"))))
    assert (alone.page.part_count, alone.page.parts_missing_reason) == (1, "")
    torn = a_page("long", html(paragraph("Marta")), parts_missing_reason="page 2: http_404")
    assert extracted(torn).page.parts_missing_reason == "page 2: http_404"
    nothing = a_page("long", "", body=b"", kind="feed", missing_reason="http_403")
    assert extracted(nothing).page.part_count == 0


def test_a_page_with_all_of_it_adds_only_what_the_first_lacks() -> None:
    first = html(paragraph("Marta"), "Why?", paragraph("Olwen"))
    whole = html(paragraph("Marta"), "Why?", paragraph("Olwen"), "Why?", paragraph("Tobias"))
    document = extracted(a_page("long", first, parts=(part(2, whole),)))
    assert [document.text.count(f"{name} said") for name in ("Marta", "Olwen", "Tobias")] == [1] * 3


def test_a_part_that_cannot_be_read_costs_itself() -> None:
    parts = (
        PagePart(url=f"{URL}?page=2", body=zstandard.compress(b"%PDF-1.7"), content_type=""),
        part(3, html(paragraph("Ingrid"))),
    )
    document = extracted(a_page("long", html(paragraph("Marta")), parts=parts))
    assert "Marta said" in document.text
    assert "Ingrid said" in document.text


def test_no_part_is_begun_when_half_of_the_time_is_over() -> None:
    parts = tuple(part(number, html(paragraph(f"N{number}"))) for number in range(2, 10))
    page = a_page("long", html(paragraph("Marta")), parts=parts)
    document = extracted(page, page_timeout_seconds=0.000001)
    assert document.extraction.is_truncated
    assert "Marta said" in document.text
    assert "N9 said" not in document.text


def test_short_lines_may_come_again_within_a_page_and_not_at_its_edges() -> None:
    first = "Intro line.\n\nAnd then?\n\nThe first answer.\n\nBox"
    second = "Intro line.\n\nThe second answer.\n\nAnd then?\n\nThe third answer.\n\nBox"
    assert joined_texts([first, second]) == (
        "Intro line.\n\nAnd then?\n\nThe first answer.\n\nBox\n\n"
        "The second answer.\n\nAnd then?\n\nThe third answer."
    )


def test_titles_and_counts_of_pages_are_no_text_of_later_pages() -> None:
    second = "The Wall\n\nSeite 2 von 3\n\nMore.\n\n2 / 3"
    assert joined_texts(["Some.", second], ["The wall"]) == "Some.\n\nMore."
    assert joined_texts(["Some.", "Some."]) == "Some."
    assert joined_texts(["", "More."]) == "More."
    assert joined_texts([]) == ""


def test_what_the_rule_of_a_site_finds_is_joined_too() -> None:
    def with_box(name: str) -> str:
        text = paragraph(name)
        return f"<html><body><div id=story><p>{text}</p></div><div><p>{_SENTENCES * 3}</p></div>"

    page = a_page("long", with_box("Marta"), parts=(part(2, with_box("Olwen")),))
    rules = SiteRules(body_xpath="//div[@id='story']")
    document = page_extractor({"drops_repeated_lines": False}, "test")(page, rules)
    assert document.content_source == "site"
    assert document.text == f"{paragraph('Marta')}\n\n{paragraph('Olwen')}"
