"""The marked news texts of seeds/entities: how much of them the built-in engine finds."""

from __future__ import annotations

import pytest

from tests.benchmarks.entities import read_seeds, scores

SEEDS = read_seeds()


def test_the_dev_texts_are_found_almost_whole() -> None:
    texts = [seed for seed in SEEDS if seed.set == "dev" and seed.language == "en"]
    assert len(texts) >= 15
    precision, recall, _, _ = scores(texts)["all"]
    assert precision > 0.95
    assert recall > 0.93


def test_texts_written_after_the_rules_reach_the_figure_of_the_design() -> None:
    texts = [seed for seed in SEEDS if seed.set == "held-out"]
    assert scores(texts)["all"][2] >= 0.85


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_no_seed_is_misread_badly(seed: object) -> None:
    precision, recall, _, gold = scores([seed])["all"]
    assert gold >= 5
    assert precision >= 0.8
    assert recall >= 0.7
