"""What happens to the installation, in order; each scene goes on from the one before."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable

from tests.compose.engine import Engine

PRIVATE = """
polling: {min_interval_seconds: 5, mean_interval_minutes: 0.2}
fetching: {gap_seconds: 0.2, contact_url: "https://press.example/bot"}
address_guard:
  allowed: [{network: 172.16.0.0/12, port: 8000}, {network: 192.168.0.0/16, port: 8000}]
"""
FEEDS = """feeds:
  - url: http://site:8000/first.xml
    min_interval_minutes: 0.1
    max_interval_minutes: 0.2
"""
ONCE = ("secrets", "config", "setup", "kibana-setup")
STAGES = ("poll", "fetch", "archive", "extract", "enrich", "index")
SMALL_DISK = """volumes:
  elasticsearch-data:
    driver: local
    driver_opts: {type: tmpfs, device: tmpfs, o: "size=1200m,uid=1000,gid=0,mode=0775"}
"""


def a_fresh_clone_comes_up_with_one_built_image(engine: Engine) -> None:
    engine.run("docker", "image", "rm", "-f", "news-ingest:latest", code=None)
    engine.compose("up", "-d", "--wait", "--wait-timeout", "1200")
    engine.must_be_well()
    images = engine.run("docker", "images", "-q", "news-ingest").split()
    assert len(images) == 1, images
    python = "/opt/news-ingest/bin/python"
    engine.compose("exec", "-T", "index", python, "-c", "import pip", code=1)


def a_second_up_recreates_nothing(engine: Engine) -> None:
    before = {name: one["ID"] for name, one in engine.containers().items()}
    engine.compose("up", "-d", "--wait", "--wait-timeout", "1200")
    assert {name: one["ID"] for name, one in engine.containers().items()} == before


def the_shipped_feeds_are_replaced_and_articles_found(engine: Engine) -> None:
    engine.start_site()
    pipeline = (engine.clone / "config" / "pipeline.yml").read_text()
    pipeline = re.sub(r"fetching:\n.*\n", "", pipeline)
    engine.write("config/pipeline.yml", pipeline + PRIVATE)
    engine.compose("restart", *STAGES)
    engine.write("config/feeds.yml", FEEDS)
    engine.until_found(12)


def an_article_that_is_published_is_found(engine: Engine) -> None:
    engine.publish("first", 13)
    engine.until_found(13)


def a_feed_is_added_by_command_after_the_file_was_replaced_on_the_host(engine: Engine) -> None:
    engine.write("config/feeds.yml", FEEDS, owner=(1001, 1001))
    engine.ingest("poll", "feeds", "add", "--yes", "http://site:8000/second.xml")
    engine.until_found(18)


def a_stage_is_scaled(engine: Engine) -> None:
    engine.compose("up", "-d", "--scale", "extract=3", "--wait", "--wait-timeout", "1200")
    assert len(engine.compose("ps", "-q", "extract").split()) == 3
    engine.publish("first", 23)
    engine.until_found(28)


def nothing_is_lost_when_processes_are_killed(engine: Engine) -> None:
    count = 23
    for service in ("fetch", "extract", "index", "kafka", "elasticsearch"):
        count += 10
        engine.publish("first", count)
        engine.kill(service)
    engine.until_found(count + 5)
    engine.must_be_well()
    engine.until(lambda: "Error" not in engine.ingest("index", "audit", code=None), "audit answers")
    engine.ingest("index", "audit")


def check_is_green(engine: Engine) -> None:
    said = engine.compose("run", "--rm", "--no-deps", "setup", "check")
    assert "archive of fetched pages" in said, said


def lost_passwords_are_renewed(engine: Engine) -> None:
    def login(*words: str) -> str:
        shown = engine.compose("run", "--rm", "secrets", "show", *words)
        return re.search(r"^password\s+(\S+)", shown, re.MULTILINE)[1]  # type: ignore[index]

    def change(user: str, password: str) -> None:
        code = (
            "import base64, sys, urllib.request as u; "
            f"p = open('/secrets/admin/elastic').read(); r = u.Request("
            f"'http://elasticsearch:9200/_security/user/{user}/_password', "
            f"b'{{\"password\": \"{password}\"}}', {{'content-type': 'application/json', "
            "'authorization': 'Basic ' + base64.b64encode(('elastic:' + p).encode()).decode()}); "
            "r.get_method = lambda: 'PUT'; u.urlopen(r)"
        )
        engine.compose("run", "--rm", "--no-deps", "--entrypoint", "python", "setup", "-c", code)

    before = login()
    change("news_analyst", "of-my-own-1")
    refused = engine.compose("run", "--rm", "secrets", "show", code=1)
    assert before not in refused, refused
    engine.compose("run", "--rm", "secrets", "renew")
    assert login() != before
    change("elastic", "forgotten-1")
    engine.compose("run", "--rm", "secrets", "show", "--admin", code=1)
    (line,) = [
        line.strip()
        for line in (engine.clone / "docs" / "operations.md").read_text().split("```")
        if "elasticsearch-reset-password" in line
    ]
    engine.run("sh", "-c", line.removeprefix("sh\n"))
    login("--admin")
    engine.must_be_well()


def everything_restarts(engine: Engine) -> None:
    engine.compose("restart")
    engine.must_be_well()
    engine.publish("first", 74)
    engine.until_found(79)


def down_and_up_keeps_the_data(engine: Engine) -> None:
    engine.stop_site()
    engine.compose("down")
    engine.compose("up", "-d", "--wait", "--wait-timeout", "1200")
    assert engine.found() == 79


def a_backup_is_restored(engine: Engine) -> None:
    (engine.clone / "backups").mkdir(mode=0o700)
    engine.compose("stop")
    saved = engine.compose("run", "--rm", "backup", "save")
    name = re.search(r"^saved (\S+)", saved, re.MULTILINE)[1]  # type: ignore[index]
    for path in (engine.clone / "backups").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert "backups" not in engine.run("git", "status", "--short")
    engine.compose("run", "--rm", "backup", "restore", name, code=1)
    engine.compose("down", "-v")
    engine.compose("run", "--rm", "backup", "restore", name)
    engine.compose("up", "-d", "--wait", "--wait-timeout", "1200")
    engine.must_be_well()
    assert engine.found() == 79
    engine.compose("run", "--rm", "secrets", "show")


def a_full_disk_makes_the_index_read_only_and_nothing_is_lost(engine: Engine) -> None:
    engine.compose("down", "-v")
    (engine.clone / "docker-compose.override.yml").write_text(SMALL_DISK)
    engine.compose("up", "-d", "--wait", "--wait-timeout", "1200")
    engine.start_site()
    engine.until_found(17)
    filling = "dd if=/dev/zero of=data/filling bs=1M count=250 2>&1"
    engine.compose("exec", "-T", "elasticsearch", "sh", "-c", filling)
    block = "_all/_settings/index.blocks.read_only_allow_delete"
    ask = f'curl -s -u "elastic:$(cat /secrets/admin/elastic)" http://localhost:9200/{block}'
    engine.until(
        lambda: '"true"' in engine.compose("exec", "-T", "elasticsearch", "sh", "-c", ask),
        "the index is read-only",
    )
    engine.publish("first", 22)
    engine.until(lambda: len(engine.asked()) == 27, "the new articles are fetched meanwhile")
    assert engine.found() == 17
    engine.compose("exec", "-T", "elasticsearch", "rm", "data/filling")
    engine.until_found(27)
    engine.compose("down", "-v")
    (engine.clone / "docker-compose.override.yml").unlink()


def the_small_installations_find_articles_too(engine: Engine) -> None:
    engine.stop_site()
    settings = (engine.clone / ".env").read_text()
    for file in ("docker-compose.small.yml", "docker-compose.single.yml"):
        (engine.clone / ".env").write_text(f"{settings}COMPOSE_FILE={file}\n")
        engine.compose("up", "-d", "--wait", "--wait-timeout", "1200")
        engine.start_site()
        engine.until(lambda: '"total":17' in _searched(engine).replace(" ", ""), "17 are found")
        engine.ingest("run", "check")
        engine.stop_site()
        engine.compose("--profile", "*", "down", "-v")
    (engine.clone / ".env").write_text(settings)


def _searched(engine: Engine) -> str:
    return engine.ingest("run", "search", "report", "--json", "--size", "0", code=None)


SCENES: tuple[Callable[[Engine], None], ...] = (
    a_fresh_clone_comes_up_with_one_built_image,
    a_second_up_recreates_nothing,
    the_shipped_feeds_are_replaced_and_articles_found,
    an_article_that_is_published_is_found,
    a_feed_is_added_by_command_after_the_file_was_replaced_on_the_host,
    a_stage_is_scaled,
    nothing_is_lost_when_processes_are_killed,
    check_is_green,
    lost_passwords_are_renewed,
    everything_restarts,
    down_and_up_keeps_the_data,
    a_backup_is_restored,
    a_full_disk_makes_the_index_read_only_and_nothing_is_lost,
    the_small_installations_find_articles_too,
)
