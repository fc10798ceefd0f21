"""How good the text is, on the article-extraction-benchmark when it is there."""

from __future__ import annotations

import pytest

from processors.extract_document import Options
from processors.extract_document.child import page_extractor
from tests.benchmarks.extraction_set import cases, data_folder, page_of, score, shingles


def test_the_metric_counts_runs_of_four_tokens() -> None:
    assert shingles("a b") == {("a", "b"): 1}
    assert shingles("") == {}
    assert sum(shingles("a b c d e a b c d").values()) == 6
    half = score(["a b c d e", "f g h i"], ["a b c d e", "x f g h i"])
    assert half[:3] == (pytest.approx(6 / 7), 0.75, 1.0)


@pytest.mark.slow
def test_the_text_is_as_good_as_promised() -> None:
    folder = data_folder()
    if folder is None:
        pytest.skip("the article-extraction-benchmark is not there: set NEWS_INGEST_TEST_DATA")
    found = list(cases(folder))
    extract = page_extractor(Options().model_dump(), "test")
    texts = [extract(page_of(case)).text for case in found]
    figures = score([case.gold for case in found], texts)
    assert figures.f1 >= 0.960
    assert figures.precision >= 0.940
    assert figures.recall >= 0.978
    assert sum(not text for text in texts) == 0
