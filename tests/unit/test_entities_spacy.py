"""The spaCy backend, with a small pipeline of rules made here; needs the extra [spacy]."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import UnknownName
from ingest.outcome import Keep
from processors import find_entities
from processors.find_entities.spacy_backend import is_installed
from tests.builders import a_document


def test_a_model_that_is_not_there_is_refused_with_the_way_to_get_it() -> None:
    with pytest.raises(UnknownName) as caught:
        find_entities.build(find_entities.Options(backend="spacy:en_no_such_model"))
    assert "install" in (caught.value.remedy or "")


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="backend"):
        find_entities.Options(backend="magic")


@pytest.mark.slow
def test_a_saved_pipeline_gives_mentions_of_our_types(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="the extra [spacy] is not installed")
    assert is_installed()
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns(
        [
            {"label": "PERSON", "pattern": "Anne Weller"},
            {"label": "ORG", "pattern": "the Elsin Water Board"},
            {"label": "GPE", "pattern": "Lisbon"},
            {"label": "DATE", "pattern": "Monday"},
        ]
    )
    pipeline.to_disk(tmp_path / "model")
    step = find_entities.build(find_entities.Options(backend=f"spacy:{tmp_path / 'model'}"))
    text = "On Monday Anne Weller of the Elsin Water Board flew to Lisbon."
    outcome = step(a_document(text=text, language="en", mentions=()))
    assert isinstance(outcome, Keep)
    mentions = outcome.value.mentions
    assert [(m.type, m.text, m.rule) for m in mentions] == [
        ("person", "Anne Weller", "spacy:PERSON"),
        ("organisation", "Elsin Water Board", "spacy:ORG"),
        ("place", "Lisbon", "spacy:GPE"),
    ]
    assert all(text[m.start : m.end] == m.text for m in mentions)
    assert step.engine.startswith("spacy-en_")
