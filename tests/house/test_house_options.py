"""Every option is described, documented and known to editors; nothing else is."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from ruamel.yaml import YAML

from ingest.settings import environment, feeds, options, sites, topics
from scripts.build_schemas import SCHEMAS, schemas, shapes, stale
from tests.house.project_files import ROOT, option_tables

CONFIG = ROOT / "config"
NAMES = ("pipeline", "feeds", "topics", "sites", "watches")


def shipped(name: str) -> object:
    return YAML(typ="safe", pure=True).load((CONFIG / f"{name}.yml").read_text(encoding="utf-8"))


def all_faults(name: str, data: object) -> list[str]:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return [error.message for error in Draft202012Validator(schema).iter_errors(data)]


@pytest.mark.parametrize("name", shapes())
def test_every_option_says_what_it_means(name: str) -> None:
    silent = [key for key, field in shapes()[name].model_fields.items() if not field.description]
    assert silent == []


@pytest.mark.parametrize("name", shapes())
def test_config_readme_lists_each_option_with_its_default_and_no_other(name: str) -> None:
    rows = option_tables()[name]
    fields = shapes()[name].model_fields
    assert sorted(row[0].strip("`") for row in rows) == sorted(fields)
    for option, _, default, meaning in rows:
        field = fields[option.strip("`")]
        if field.is_required():
            assert default == "required"
        elif field.default in (None, ""):
            assert default == "empty"
        elif not isinstance(field.default, BaseModel):
            written = default.split("`")[1]
            plain = field.default if isinstance(field.default, str) else json.loads(written)
            assert plain == (
                list(field.default) if isinstance(field.default, tuple) else field.default
            )
        assert meaning


def test_every_block_of_settings_has_a_table() -> None:
    written = {
        shape
        for module in (options, feeds, topics, sites)
        for shape in vars(module).values()
        if isinstance(shape, type) and issubclass(shape, options.Options)
    }
    # The base, the whole of pipeline.yml (a table a block), and what a group says (as a feed).
    no_table = {options.Options, options.PipelineSettings, feeds.FeedSettings}
    assert written - set(shapes().values()) == no_table


def test_no_table_is_of_something_that_does_not_exist() -> None:
    assert set(option_tables()) == set(shapes())


def test_tables_and_schemas_are_those_that_the_code_would_write() -> None:
    remedy = "run `python scripts/build_schemas.py`"
    assert [str(path.relative_to(ROOT)) for path in stale()] == [], remedy


def test_every_variable_of_the_readme_is_an_option() -> None:
    text = (CONFIG / "README.md").read_text(encoding="utf-8")
    used = {line.partition("=")[0] for line in text.splitlines() if line.startswith("NEWS_INGEST_")}
    assert len(used) > 3
    assert {name.removesuffix("_FILE") for name in used} <= set(environment.variables())


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_file_names_its_schema_and_fits_it(name: str) -> None:
    first = (CONFIG / f"{name}.yml").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema=schema/{name}.json"
    assert all_faults(name, shipped(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_a_schema_and_refuses_what_no_option_is(name: str) -> None:
    Draft202012Validator.check_schema(schemas()[name])
    assert all_faults(name, {**shipped(name), "no_such_option": 1})


def test_a_schema_knows_the_processors_and_their_options() -> None:
    def with_processors(*items: object) -> list[str]:
        stage = {"kind": "enrich", "reads": "a", "writes": "b", "processors": list(items)}
        return all_faults("pipeline", {"stages": {"enrich": stage}})

    assert with_processors("measure_text", "acme.score:build", {"acme.score:build": {"x": 1}}) == []
    assert with_processors({"measure_text": {"words_per_minute": 200}}) == []
    assert with_processors("measure_texts")
    assert with_processors({"measure_text": {"word_per_minute": 200}})
