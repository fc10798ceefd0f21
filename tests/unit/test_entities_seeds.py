"""The marked news texts of seeds/entities: how much of them the built-in engine finds."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _benchmark() -> ModuleType:
    path = Path(__file__).parent.parent / "benchmarks" / "entities.py"
    spec = importlib.util.spec_from_file_location("entities_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


BENCHMARK = _benchmark()
SEEDS = BENCHMARK.read_seeds()


def test_the_dev_texts_are_found_almost_whole() -> None:
    texts = [seed for seed in SEEDS if seed.set == "dev" and seed.language == "en"]
    assert len(texts) >= 15
    precision, recall, _, _ = BENCHMARK.scores(texts)["all"]
    assert precision > 0.95
    assert recall > 0.93


def test_texts_written_after_the_rules_reach_the_figure_of_the_design() -> None:
    texts = [seed for seed in SEEDS if seed.set == "held-out"]
    assert BENCHMARK.scores(texts)["all"][2] >= 0.85


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_no_seed_is_misread_badly(seed: object) -> None:
    precision, recall, _, gold = BENCHMARK.scores([seed])["all"]
    assert gold >= 5
    assert precision >= 0.8
    assert recall >= 0.7
