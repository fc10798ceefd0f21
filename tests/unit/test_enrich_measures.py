"""Counts of words and sentences, and the summary."""

from __future__ import annotations

import pytest

from ingest.model import EnrichedDocument
from ingest.outcome import Keep
from processors import measure_text, summarise_text
from tests.builders import a_document

MEASURE = measure_text.build(measure_text.Options())
SUMMARISE = summarise_text.build(summarise_text.Options())


def run(step: object, **changes: object) -> EnrichedDocument:
    outcome = step(a_document(**changes))  # type: ignore[operator]
    assert isinstance(outcome, Keep)
    return outcome.value


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [
        ("", 0, 0),
        ("One two three.", 3, 1),
        ("It's well-known. Isn't it?", 4, 2),
        ("Dr. Weller met Mr. J. Hollis at 5 p.m. in a U.S. city. They agreed.", 15, 2),
        ("A heading\n\nThen a sentence follows.", 6, 2),
        ("He said: “No!” Then he left.", 6, 2),
        ("周四晚上港口被淹。", 4, 1),
    ],
)
def test_words_and_sentences_are_counted(text: str, words: int, sentences: int) -> None:
    document = run(MEASURE, text=text)
    assert (document.word_count, document.sentence_count) == (words, sentences)


def test_reading_time_follows_the_words() -> None:
    assert run(MEASURE, text="word " * 460).reading_minutes == 2.0
    slow = measure_text.build(measure_text.Options(words_per_minute=46))
    assert run(slow, text="word " * 460).reading_minutes == 10.0


LEAD = "The harbour was flooded on Thursday. Engineers came at dawn. Nobody was hurt at all. More."


def test_the_publishers_summary_stays_and_keeps_its_source() -> None:
    own = "A long summary that the publisher wrote for the feed, by hand."
    document = run(SUMMARISE, summary=own, summary_source="meta", text=LEAD)
    assert (document.summary, document.summary_source) == (own, "meta")


def test_without_one_the_first_three_sentences_are_taken() -> None:
    document = run(SUMMARISE, summary="", text=LEAD)
    assert document.summary_source == "lead"
    assert document.summary.startswith("The harbour was flooded on Thursday.")
    assert "More." not in document.summary


def test_a_summary_that_only_repeats_the_title_is_not_used() -> None:
    title = "Harbour of Port Elsin flooded on Thursday night"
    document = run(SUMMARISE, title=title, summary=f"{title}.", text=LEAD)
    assert document.summary_source == "lead"


def test_markup_in_a_summary_is_taken_out() -> None:
    document = run(
        SUMMARISE, summary="<p>The harbour was <b>flooded</b> on Thursday, officials say.</p>",
        summary_source="feed", text=LEAD,
    )  # fmt: skip
    assert document.summary == "The harbour was flooded on Thursday, officials say."


def test_dateline_byline_and_heading_are_no_sentences() -> None:
    text = "LONDON (Reuters) — The harbour was flooded on Thursday.\n\nThe night\n\nEngineers came at dawn."
    assert run(SUMMARISE, summary="", text=text).summary == (
        "The harbour was flooded on Thursday. Engineers came at dawn."
    )


def test_a_long_summary_is_cut_at_a_word() -> None:
    document = run(SUMMARISE, summary="word " * 300, text=LEAD)
    assert len(document.summary) <= 500
    assert document.summary.endswith("word…")


def test_an_empty_text_gives_an_empty_summary() -> None:
    document = run(SUMMARISE, summary="", summary_source="", text="")
    assert (document.summary, document.summary_source) == ("", "")
