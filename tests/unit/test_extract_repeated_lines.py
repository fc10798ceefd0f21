"""The filter of lines that come on page after page of a site."""

from __future__ import annotations

from processors.extract_document import RepeatedLines

LONG = "A sentence of the article that only this page has, about the harbour of Port Elsin, "


def a_text(number: int, line: str = "Read more news of 12 May") -> str:
    return f"{LONG}{chr(97 + number) * 9}.\n\n{line}\n\n{LONG}{chr(65 + number) * 9} again."


def test_a_line_goes_from_the_third_page_on_digits_masked() -> None:
    lines = RepeatedLines()
    dropped = [
        lines.drop("a.example", str(number), a_text(number, f"Read more news of {number} May"))
        for number in range(4)
    ]
    assert [count for _, count in dropped] == [0, 0, 1, 1]
    assert dropped[3][0] == a_text(3, "GONE").replace("GONE\n\n", "")


def test_a_document_that_comes_again_counts_once() -> None:
    lines = RepeatedLines()
    assert [lines.drop("a.example", "same", a_text(0))[1] for _ in range(6)] == [0] * 6


def test_sites_do_not_learn_from_each_other() -> None:
    lines = RepeatedLines()
    assert [lines.drop(f"{n}.example", str(n), a_text(n))[1] for n in range(5)] == [0] * 5


def test_long_lines_and_near_copies_stay() -> None:
    lines = RepeatedLines()
    long = "word " * 50
    copies = [lines.drop("a.example", str(n), f"{long}\n\nshort") for n in range(4)]
    assert copies[3] == (long, 1)
    alike = [lines.drop("b.example", str(n), "One line.\n\nTwo lines.") for n in range(4)]
    assert alike[3] == ("One line.\n\nTwo lines.", 0)


def test_what_was_learned_fades() -> None:
    lines = RepeatedLines()
    for number in range(3):
        lines.drop("a.example", str(number), a_text(number))
    for number in range(3, 500):
        lines.drop("a.example", str(number), f"{LONG} {number}")
    assert lines.drop("a.example", "late", a_text(7))[1] == 0
