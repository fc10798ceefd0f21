"""docker-compose.yml says what the settings, the stages and the passwords need."""

from __future__ import annotations

import re

import pytest

from ingest.adapters.kafka_log.manifest import segment_bytes
from ingest.settings.environment import overridden
from ingest.settings.load import load
from ingest.settings.passwords import ADMIN, INDEX, KIBANA_SETTINGS, POLL, READER, SECRETS
from tests.elasticsearch_server import ENGINES
from tests.house.compose_file import Json, compose, mounts, seconds, services, size, variables
from tests.house.project_files import ROOT
from tests.kibana.mapping import fields_by_alias
from tests.kibana.validate import faults

CONFIG = ROOT / "config"
SERVICES = services()
SETTINGS = load(CONFIG, {})
STAGES_NAMES = list(SETTINGS.pipeline.stages)
ONCE = ("secrets", "config", "setup", "kibana-setup")
CALLED = ("backup",)
LASTING = tuple(name for name in SERVICES if name not in (*ONCE, *CALLED))
OURS = tuple(name for name, one in SERVICES.items() if one["image"].startswith("news-ingest"))


def waits_for(name: str) -> dict[str, str]:
    """Return what a service waits for before it starts, by way of others too."""
    found: dict[str, str] = {}
    for other, how in SERVICES[name].get("depends_on", {}).items():
        found |= {other: how["condition"]} | waits_for(other)
    return found


def version_of(name: str) -> str:
    return str(SERVICES[name]["image"].rpartition(":")[2])


def test_nothing_has_to_be_set() -> None:
    assert [name for name, default in variables() if default is None] == []


def test_kafka_is_the_one_that_the_tests_run() -> None:
    assert SERVICES["kafka"]["image"] == "apache/kafka:4.3.0"


def test_elasticsearch_and_kibana_are_of_the_version_that_the_tests_run() -> None:
    assert version_of("elasticsearch") == version_of("kibana") == ENGINES[0].version
    assert len({default for name, default in variables() if name == "STACK_VERSION"}) == 1


def test_the_kibana_pack_fits_the_kibana_that_is_started() -> None:
    known = fields_by_alias(CONFIG / "index")
    for path in (CONFIG / "kibana").glob("*.ndjson"):
        assert faults(path.read_text(encoding="utf-8"), known, version_of("kibana")) == []


def test_there_is_one_service_a_stage_and_each_runs_it() -> None:
    assert [name for name in SERVICES if name in STAGES_NAMES] == STAGES_NAMES
    for name in STAGES_NAMES:
        assert SERVICES[name]["command"] == ["run", "--stage", name]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_bounds(name: str) -> None:
    service = SERVICES[name]
    assert size(service["mem_limit"]) <= 2 * 2**30
    assert service["logging"]["driver"] == "json-file"
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_can_be_scaled_by_its_name_and_has_no_more_rights_than_it_needs(
    name: str,
) -> None:
    unwanted = {"container_name", "privileged", "cap_add", "ulimits"} & SERVICES[name].keys()
    assert unwanted == ({"cap_add"} if name in ("config", "backup") else set())


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_restarted_and_given_time_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert seconds(service["stop_grace_period"]) >= 30


@pytest.mark.parametrize("name", [*ONCE, *CALLED])
def test_what_runs_once_ends(name: str) -> None:
    waits_for_engines = name in ("setup", "kibana-setup")
    assert SERVICES[name]["restart"] == ("on-failure:5" if waits_for_engines else "no")
    assert "healthcheck" not in SERVICES[name]


def test_ports_are_open_on_this_machine_alone() -> None:
    opened = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert opened == {
        "kafka": ["127.0.0.1:29092:29092"],
        "elasticsearch": ["127.0.0.1:9200:9200"],
        "kibana": ["127.0.0.1:5601:5601"],
    }


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_one_image_without_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == SERVICES["poll"]["image"]
    assert service["pull_policy"] == "never"
    assert ("build" in service) is (name == "secrets")  # built once, not once a service
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["init"] is True
    assert service.get("user", "1000:0") == ("0:0" if name in ("config", "backup") else "1000:0")


def test_root_works_once_without_network_on_config_alone() -> None:
    service = SERVICES["config"]
    assert service["network_mode"] == "none"
    assert mounts(service) == {"/app/config": ("./config", True)}
    assert service["working_dir"] == "/app/config"
    assert service["entrypoint"] == ["sh", "-c"]
    assert service["environment"]["STAGES_UID"] == SERVICES["poll"]["user"].partition(":")[0]


def test_a_backup_has_every_volume_and_is_made_by_root_without_network_when_called() -> None:
    service = SERVICES["backup"]
    assert (service["network_mode"], service["profiles"]) == ("none", ["backup"])
    places = mounts(service)
    assert places.pop("/config") == ("./config", False)
    assert places.pop("/backups") == ("./backups", True)
    assert places == {f"/volumes/{one}": (one, True) for one in compose()["volumes"]}
    assert "umask 077" in service["entrypoint"][-2]
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {"backups/", "*.tgz", ".env"} <= set(ignored)


def test_two_clones_do_not_share_their_volumes_by_a_fixed_name() -> None:
    assert "name" not in compose()
    assert not any(compose()["volumes"].values())


def test_every_variable_is_explained_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    explained = set(re.findall(r"^#(\w+)=", example, re.MULTILINE))
    assert explained - {"COMPOSE_PROJECT_NAME", "COMPOSE_FILE"} == {name for name, _ in variables()}
    assert not [line for line in example.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(
    "name",
    [name for name in OURS if "NEWS_INGEST_LOG_URL" in SERVICES[name].get("environment", {})],
)
def test_every_variable_is_one_that_the_settings_know(name: str) -> None:
    environment = {
        key: value
        for key, value in SERVICES[name]["environment"].items()
        if not key.endswith("_FILE")
    }
    files = SERVICES[name]["environment"].keys() - environment.keys()
    assert overridden({}, environment | {key[:-5]: "x" for key in files})[1] == []
    pipeline = load(CONFIG, environment).pipeline
    assert pipeline.log.url == "kafka://kafka:9092"
    assert pipeline.index.url == "http://elasticsearch:9200"


@pytest.mark.parametrize("name", STAGES_NAMES)
def test_the_health_of_a_stage_is_asked_at_its_own_port(name: str) -> None:
    port = SETTINGS.pipeline.telemetry.ports[name]
    assert f"http://127.0.0.1:{port}/health" in SERVICES[name]["healthcheck"]["test"][-1]
    assert SERVICES[name]["environment"]["NEWS_INGEST_TELEMETRY_HOST"] == "0.0.0.0"


@pytest.mark.parametrize("name", STAGES_NAMES)
def test_a_stage_writes_config_and_has_time_to_end_its_work(name: str) -> None:
    assert mounts(SERVICES[name])["/app/config"] == ("./config", True)
    limit = SETTINGS.pipeline.worker.stop_timeout_seconds
    assert seconds(SERVICES[name]["stop_grace_period"]) > limit


def test_check_sees_the_page_archive() -> None:
    assert mounts(SERVICES["setup"])["/app/var/archive"] == ("page-archive", True)


@pytest.mark.parametrize("name", ["setup", "kibana-setup"])
def test_setup_waits_for_engines_that_restart_at_the_same_time(name: str) -> None:
    started = load(CONFIG, {
        key: value for key, value in SERVICES[name]["environment"].items()
        if not key.endswith("_FILE")
    })  # fmt: skip
    limit = started.pipeline.worker.start_timeout_seconds
    assert limit > seconds(SERVICES["elasticsearch"]["healthcheck"]["start_period"])


@pytest.mark.parametrize("name", STAGES_NAMES)
def test_a_stage_waits_for_setup_and_never_for_kibana(name: str) -> None:
    found = waits_for(name)
    assert found["setup"] == "service_completed_successfully"
    assert found["config"] == "service_completed_successfully"
    assert found["kafka"] == "service_healthy"
    assert not {"kibana", "kibana-setup"} & found.keys()


def test_what_needs_passwords_waits_for_them() -> None:
    for name, service in SERVICES.items():
        if name not in ("secrets", "backup") and any(
            "secrets-" in one for one in service.get("volumes", [])
        ):
            assert waits_for(name)["secrets"] == "service_completed_successfully", name


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_sees_only_the_passwords_it_needs_and_changes_none(name: str) -> None:
    every = {f"secrets-{kind}" for kind in ("admin", "kibana", "poll", "reader", "index")}
    allowed = {
        "secrets": every,
        "elasticsearch": {"secrets-admin"},
        "kibana": {"secrets-kibana"},
        "setup": every,
        "kibana-setup": every,
        "poll": {"secrets-poll"},
        "fetch": {"secrets-reader"},
        "enrich": {"secrets-reader"},
        "index": {"secrets-index"},
        "backup": every,
    }
    seen = {
        source: may_write
        for source, may_write in mounts(SERVICES[name]).values()
        if source.startswith("secrets-")
    }
    assert seen.keys() == allowed.get(name, set())
    assert name in ("secrets", "backup") or not any(seen.values())


def test_every_password_is_where_it_is_looked_for() -> None:
    def inside(service: str, path: str) -> str:
        """Return the path below /secrets of a file that a service can read."""
        (volume,) = [
            source for place, (source, _) in mounts(SERVICES[service]).items()
            if path.startswith(place + "/")
        ]  # fmt: skip
        kind = volume.removeprefix("secrets-")
        assert path.startswith(f"/secrets/{kind}/")
        return path.removeprefix("/secrets/")

    def value(service: str, variable: str) -> str:
        return str(SERVICES[service]["environment"][variable])

    assert inside("elasticsearch", value("elasticsearch", "ELASTIC_PASSWORD_FILE")) == ADMIN.file
    assert ADMIN.file in SERVICES["elasticsearch"]["healthcheck"]["test"][-1]
    for name in ("secrets", "setup", "kibana-setup"):
        assert inside(name, value(name, "NEWS_INGEST_INDEX_PASSWORD_FILE")) == ADMIN.file
        assert value(name, "NEWS_INGEST_INDEX_USERNAME") == ADMIN.user
    kibana = value("kibana-setup", "NEWS_INGEST_KIBANA_PASSWORD_FILE")
    assert inside("kibana-setup", kibana) == ADMIN.file
    own, given = value("kibana", "KBN_CONFIG_PATHS").split(",")
    assert own == "/usr/share/kibana/config/kibana.yml"
    assert inside("kibana", given) == KIBANA_SETTINGS
    for name, who in {"poll": POLL, "fetch": READER, "enrich": READER, "index": INDEX}.items():
        assert inside(name, value(name, "NEWS_INGEST_INDEX_PASSWORD_FILE")) == who.file
        assert value(name, "NEWS_INGEST_INDEX_USERNAME") == who.user


def test_every_password_of_a_person_can_be_set_from_outside() -> None:
    assert {one.variable for one in SECRETS if one.variable} <= SERVICES["secrets"][
        "environment"
    ].keys()


def test_security_is_on_and_the_licence_is_free() -> None:
    environment = SERVICES["elasticsearch"]["environment"]
    assert environment["xpack.security.enabled"] == "true"
    assert environment["xpack.license.self_generated.type"] == "basic"
    assert "ELASTIC_PASSWORD" not in environment


def test_java_gets_at_most_half_of_its_container() -> None:
    heaps = {"elasticsearch": "ES_JAVA_OPTS", "kafka": "KAFKA_HEAP_OPTS"}
    for name, variable in heaps.items():
        heap = re.search(r"-Xmx(\w+)", SERVICES[name]["environment"][variable])
        assert heap is not None
        assert size(heap[1]) * 2 <= size(SERVICES[name]["mem_limit"])


def test_kafka_and_the_page_archive_fit_a_disk_of_40_gb() -> None:
    """A partition exceeds its bytes by one segment; states of feeds and hosts have no bound."""
    kept = {one.name: one for one in SETTINGS.topics if one.retention_bytes is not None}
    assert {one.name for one in SETTINGS.topics} - kept.keys() == {
        "news.feed-state", "news.host-state", "news.audit", "news.entities", "news.forgotten",
    }  # fmt: skip
    topics = sum(
        one.partitions * (one.retention_bytes + segment_bytes(one))
        for one in kept.values() if one.retention_bytes is not None
    )  # fmt: skip
    pages = SETTINGS.pipeline.archive.max_folder_bytes
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"{topics / 2**30:.1f} GiB" in operations
    assert f"{pages / 2**30:.0f} GiB" in operations
    assert topics + pages < 0.6 * 40e9


def test_what_may_wait_for_later_stages_fits_into_half_of_what_the_log_keeps_of_pages() -> None:
    """Fetching holds before Kafka deletes a page that was not read."""
    (pages,) = (one for one in SETTINGS.topics if one.name == "news.pages")
    assert pages.retention_bytes is not None
    waiting = SETTINGS.pipeline.fetching.max_waiting_bytes
    assert waiting <= pages.partitions * pages.retention_bytes / 2


def test_all_that_is_kept_lies_in_named_volumes() -> None:
    used = {
        source
        for service in SERVICES.values()
        for source, _ in mounts(service).values()
        if not source.startswith("./")
    }
    assert used == set(compose()["volumes"])
    kept: Json = {name: mounts(SERVICES[name]) for name in ("kafka", "elasticsearch", "kibana")}
    place = SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"]
    assert kept["kafka"][place] == ("kafka-data", True)
    assert kept["elasticsearch"]["/usr/share/elasticsearch/data"] == ("elasticsearch-data", True)
    assert kept["kibana"]["/usr/share/kibana/data"] == ("kibana-data", True)
