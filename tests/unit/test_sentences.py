"""Where a sentence ends."""

from __future__ import annotations

import pytest

from ingest.terms import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("One. Two! Three? “Four.” Five", ["One.", "Two!", "Three?", "“Four.”", "Five"]),
        ("Mr. Lee met Dr. Roe in the U.S. on Nov. 3.", 1),
        ("It cost 3.5 million. really", 1),
        ("A heading\n\nA text", ["A heading", "A text"]),
        ("海が荒れた。港は閉じた。", 2),
        ("What?! Really...", ["What?!", "Really..."]),
    ],
)
def test_a_sentence_ends_at_its_mark_or_a_blank_line(text: str, expected: list[str] | int) -> None:
    found = sentences(text)
    assert (len(found) if isinstance(expected, int) else found) == expected


def test_a_text_of_nothing_but_marks_takes_linear_time() -> None:
    # By the square of its length this took minutes.
    marks = "!?." * 100_000
    assert sentences(f"Stop{marks}x and go") == [f"Stop{marks}x and go"]
