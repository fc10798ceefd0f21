"""Secrets in text: which are masked, and what is left as it is."""

from __future__ import annotations

import base64
import json
import logging
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from ingest import telemetry
from ingest.cli.terminal_text import print_json
from ingest.errors import ConfigFault, LogUnavailable
from ingest.masking import MASK, is_secret_name, masked, masked_json, remember
from ingest.pipeline.health import serve_health
from ingest.records.dead_letter import EntryVerdict, entry_dead_letter
from ingest.records.stage_plan import plans
from ingest.settings.load import load
from tests.builders import NOW, an_entry

CANARY = "CANARY"
CONFIG = Path(__file__).parents[2] / "config"
LEAKS = (
    "http://user:CANARY@host/x",
    "https://CANARY@host",
    "http://:CANARY@host/",
    "http://user:CAN%41RY-CANARY%40@host",
    "http://user:x@CANARY@host/path",
    "http://user:a/CANARY@host:1/",
    "http://user:a?CANARY#b@host",
    "http://user:CANARY@[::1]:9200/",
    "//user:CANARY@host/",
    "https:\\/\\/user:CANARY@host\\/",
    "kafka://user:CANARY@h1:9092,user:CANARY@h2:9092",
    "user:CANARY@h1:9092",
    "ClientConnectorError: Cannot connect to host user:CANARY@host:80",
    "http://host/?APIKEY=CANARY&a=1",
    "http://host/?a=1;apikey=CANARY;b=2",
    "http://host/?a=1&amp;token=CANARY",
    "http://host/?api%5Fkey=CANARY",
    "http://host/?%61pikey=CANARY",
    "http://host/#access_token=CANARY",
    "http://host/a;jsessionid=CANARY?x=1",
    "http://host/?X-Amz-Signature=CANARY&X-Amz-Credential=CANARY",
    "http://host/?subscription-key=CANARY",
    "http://host/?PHPSESSID=CANARY",
    "http://proxy/?url=http%3A%2F%2Fuser%3ACANARY%40host%2Fx",
    "http://proxy/?url=http%3A%2F%2Fhost%3Fapikey%3DCANARY%26b%3D1",
    "Authorization: Basic CANARY==",
    "{'Authorization': 'Bearer CANARY'}",
)
HARMLESS = (
    "https://social.example/@user/post",
    "http://[::1]:9200/x?mail=a@b.example",
    "http://host:9092/a?author=bob&keyword=x&page=1",
    "mail bob@site.example or mailto:ann@site.example",
    "kafka://h1:9092,h2:9092",
    "at 12:30 @ home, engine lists@1, news.entries/3/17",
    '{"url":"http://host:9200","mail":"a@b.example"}',
)


@pytest.mark.parametrize("text", LEAKS)
def test_a_secret_in_an_address_or_a_header_is_masked(text: str) -> None:
    shown = masked(text)
    assert CANARY not in shown
    assert MASK in shown
    assert masked(json.dumps({"a": text, "b": 1})).endswith('"b": 1}')
    found = json.loads(masked_json(json.dumps({"a": [text, {}], text: 1, "b": 'ä\n"'})))
    assert list(found.values()) == [[shown, {}], 1, 'ä\n"']
    assert CANARY not in str(found)


@pytest.mark.parametrize("text", HARMLESS)
def test_text_without_secrets_is_left(text: str) -> None:
    assert masked(text) == text


def test_a_remembered_value_is_masked_however_it_is_written() -> None:
    secret = 'alice:"pä ss/word'
    remember(secret)
    for form in (
        secret,
        quote(secret, safe=""),
        json.dumps(secret),
        base64.b64encode(secret.encode()).decode(),
    ):
        assert masked(f"before {form} after").replace('"', "") == f"before {MASK} after"
    remember("short")
    assert masked("short") == "short"


def test_json_stays_valid_and_numbers_stay_numbers() -> None:
    remember("20261130")
    data = {"n": 20261130, "key": "key=20261130", "authorization": None, "b": [True, 1.5]}
    assert json.loads(masked_json(json.dumps(data))) == data | {"key": "key=***"}
    header = json.dumps({"n": 1, "Proxy-Authorization": "Basic CANARY"})
    assert json.loads(masked_json(header)) == {"n": 1, "Proxy-Authorization": MASK}
    assert masked_json('{"a":"20261130", "b":2 }') == '{"a":"***", "b":2 }'


def test_log_lines_and_output_in_json_stay_valid(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    remember("20261130")
    hook, handlers = threading.excepthook, logging.getLogger().handlers[:]
    try:
        telemetry.configure("poll", stream=sys.stdout, as_json=True)
        telemetry.Event("polled")(count=20261130, url="http://h/?a=20261130", authorization=None)
    finally:
        threading.excepthook = hook
        logging.getLogger().handlers[:] = handlers
    print_json({"count": 20261130, "url": "http://h/?a=20261130", "authorization": None})
    for line in capfdbinary.readouterr().out.splitlines():
        found = json.loads(line)
        assert (found["count"], found["url"]) == (20261130, "http://h/?a=***")
        assert found["authorization"] is None


def test_health_stays_valid_json() -> None:
    remember("20261130")
    server = serve_health("127.0.0.1", 0, lambda: {"status": "working", "count": 20261130})
    assert server is not None
    with server, urlopen(f"http://127.0.0.1:{server.server_address[1]}/health") as answer:
        assert json.load(answer)["count"] == 20261130
        server.shutdown()


def test_only_headers_that_hold_secrets_are_remembered(tmp_path: Path) -> None:
    (tmp_path / "feeds.yml").write_text(
        "feeds:\n  - url: https://harmless.example/rss.xml\n"
        "    headers: {Origin: 'https://harmless.example', X-Api-Key: k3y-of-ours}\n"
    )
    (tmp_path / "pipeline.yml").write_text((CONFIG / "pipeline.yml").read_text())
    (tmp_path / "topics.yml").write_text((CONFIG / "topics.yml").read_text())
    assert len(load(tmp_path, {}).feeds.feeds) == 1
    assert masked("https://harmless.example/rss.xml k3y-of-ours") == (
        "https://harmless.example/rss.xml ***"
    )


def test_names_of_secrets_are_known_in_any_spelling() -> None:
    for name in ("password", "API_KEY", "api-key", "basic_auth", "Cookie", "X-Auth-Token", "sig"):
        assert is_secret_name(name)
    for name in ("author", "session_timeout_seconds", "ssl_key_file", "keyword", "url", "headers"):
        assert not is_secret_name(name)


@pytest.mark.parametrize("evil", ["://a:x", "?a", "%2F%2F", "a:", "?a=%3Fa%3D", "http://a:b/"])
def test_hostile_text_costs_linear_time(evil: str) -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        masked(evil * count + "@=%3")
        return time.process_time() - started

    short = max(seconds(5_000), seconds(5_000), 0.005)
    assert seconds(50_000) < 40 * short


def test_errors_and_faults_show_no_secret() -> None:
    error = LogUnavailable("no answer", value="kafka://user:CANARY@host:9092", origin="log.url")
    assert CANARY not in str(error)
    fault = ConfigFault("a.yml", 1, "index.url", "http://user:CANARY@host", "is wrong", "write")
    assert CANARY not in str(fault)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_log_lines_and_crashes_of_threads_show_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hook, handlers = threading.excepthook, logging.getLogger().handlers[:]
    try:
        telemetry.configure("poll", stream=sys.stdout)
        telemetry.Event("poll_failed")(url="http://host/?apikey=CANARY", message="u:CANARY@h:80")
        logging.getLogger("library").error("http://user:CANARY@host")
        crash = threading.Thread(target=lambda: int("http://host/?apikey=CANARY"))
        crash.start()
        crash.join()
    finally:
        threading.excepthook = hook
        logging.getLogger().handlers[:] = handlers
    written = capsys.readouterr()
    assert "poll_failed" in written.out
    assert "ERROR:library" in written.err
    assert "ValueError" in written.err
    assert CANARY not in written.out + written.err


def test_dead_letters_hold_no_secret() -> None:
    (plan, *_) = plans(load(CONFIG, {}).pipeline)
    verdict = EntryVerdict(
        an_entry(), "bad_url", "no answer from http://user:CANARY@host/?sig=CANARY"
    )
    letter = entry_dead_letter(verdict, "news.entries", plan, NOW)
    (message,) = [value for name, value in letter.headers if name == "dead-letter.message"]
    assert message == b"no answer from http://***@host/?sig=***"
