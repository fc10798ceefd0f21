"""The compose files for small machines take their services from docker-compose.yml."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from ingest.settings.load import load
from tests.house.compose_file import Json, size
from tests.house.project_files import ROOT

CONFIG = ROOT / "config"
FILES = ("docker-compose.small.yml", "docker-compose.single.yml")


def whole(file: str) -> Json:
    """Return a file; what `!override` marks is as it stands there."""
    yaml = YAML(typ="safe", pure=True)

    def plain(constructor: Any, node: Any) -> Any:
        if node.id == "mapping":
            return constructor.construct_mapping(node, deep=True)
        return constructor.construct_sequence(node, deep=True)

    yaml.constructor.add_constructor("!override", plain)
    found: Json = yaml.load((ROOT / file).read_text(encoding="utf-8"))
    return found


def volumes(service: Json) -> set[str]:
    sources = {one.split(":")[0] for one in service.get("volumes", [])}
    return {one for one in sources if not one.startswith("./")}


@pytest.mark.parametrize("file", FILES)
def test_every_service_but_the_stages_is_the_one_of_the_whole_composition(file: str) -> None:
    services = whole(file)["services"]
    for name, service in services.items():
        origin = service["extends"]["service"]
        assert origin == name or (name, origin) == ("run", "index")
        assert service["extends"]["file"] in ("docker-compose.yml", *FILES)
    assert "kafka" not in services
    assert services["run"].get("command", ["run"]) == ["run"]


@pytest.mark.parametrize("file", FILES)
def test_a_backup_has_every_volume_there_too(file: str) -> None:
    found = whole(file)
    assert volumes(found["services"]["backup"]) == set(found["volumes"])
    assert volumes(found["services"]["run"]) <= set(found["volumes"])


@pytest.mark.parametrize("file", FILES)
def test_the_log_and_the_archive_lie_in_the_volume(file: str) -> None:
    run = whole(file)["services"]["run"]
    assert "data:/app/var" in run["volumes"]
    settings = load(CONFIG, run["environment"])
    assert settings.path_of(settings.pipeline.log.url).parent == ROOT / "var"
    assert settings.archive_folder.parent == ROOT / "var"
    if file == "docker-compose.single.yml":
        assert settings.path_of(settings.pipeline.index.url).parent == ROOT / "var"
        assert "secrets" not in whole(file)["services"]


def test_the_health_of_every_stage_is_asked() -> None:
    test = whole(FILES[0])["services"]["run"]["healthcheck"]["test"][-1]
    ports = load(CONFIG, {}).pipeline.telemetry.ports.values()
    assert f"range({min(ports)}, {max(ports) + 1})" in test
    assert len(ports) == max(ports) - min(ports) + 1


def test_java_gets_at_most_half_of_its_smaller_container() -> None:
    service = whole(FILES[0])["services"]["elasticsearch"]
    heap = service["environment"]["ES_JAVA_OPTS"].rpartition("-Xmx")[2]
    assert size(heap) * 2 <= size(service["mem_limit"])
