"""The guard: which pages are too much for a parser, told without parsing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.extract_document.read.decode import Limits, guard, long_tags

LIMITS = Limits(max_parsed_characters=3_000_000, max_tags=100_000, max_tag_attributes=5_000)
LONG = "x" * 7_000
PIECES = st.lists(
    st.sampled_from(["<", ">", "<a ", "<1", "é", LONG, LONG, LONG, " b=1"]), max_size=14
)


@given(PIECES)
def test_long_tags_are_those_a_pattern_finds(pieces: list[str]) -> None:
    page = "".join(pieces)
    assert list(long_tags(page)) == re.findall("<[a-zA-Z][^<>]{20000,}", page)


@pytest.mark.parametrize(
    ("attributes", "refusal"), [(5_000, ""), (5_100, "too_many_attributes")]
)  # fmt: skip
def test_attributes_are_counted_in_the_tag_that_has_them(attributes: int, refusal: str) -> None:
    many = " ".join(f"a{number}=1" for number in range(attributes - 1))
    assert guard(f"<p>x</p><div {many}>y</div>", LIMITS).refusal == refusal


def test_words_inside_a_quoted_value_are_no_attributes() -> None:
    assert guard(f'<path d="{"L 1 2 " * 20_000}">', LIMITS).refusal == ""


def test_a_page_is_cut_before_its_tags_are_counted() -> None:
    limits = Limits(max_parsed_characters=10, max_tags=10, max_tag_attributes=10)
    assert guard("<p>" * 100, limits) == ("<p><p><p><", True, "")
