"""Users of a secured Elasticsearch, on a real one."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from click.testing import Result
from msgspec.structs import replace
from typer.testing import CliRunner

from ingest.adapters.elastic_index import ElasticIndex
from ingest.adapters.elastic_index.security import ElasticSecurity
from ingest.cli.main import app
from ingest.operations.deployment import make_users
from ingest.ports import FeedRecord, IndexWrite, Revision, RevisionRequest
from ingest.query import SearchRequest
from ingest.settings.load import Settings, load
from ingest.settings.options import IndexOptions
from ingest.settings.passwords import (
    ANALYST,
    INDEX,
    KIBANA,
    POLL,
    READER,
    SecretFile,
    make_passwords,
    password_of,
)
from tests.builders import NOW, an_id, an_indexed_document
from tests.elasticsearch_server import ElasticsearchServer

CONFIG = Path(__file__).parents[2] / "config"
A_REVISION = Revision(
    document_id=an_id("flood"), revision=2, revision_before=1, version=2, changed_at=NOW,
    first_seen_at=NOW, added=("The quay held.",),
)  # fmt: skip
PASSWORD = "unlikely-to-guess"
INTRUDER = {"password": PASSWORD, "roles": ["superuser"]}

pytestmark = [pytest.mark.elasticsearch, pytest.mark.slow]


def checked(environment: dict[str, str]) -> tuple[str, str]:
    """Return what `news-ingest check` says of the index."""
    program = Path(sys.executable).with_name("news-ingest")
    done = subprocess.run(
        [program, "check", "--no-feeds", "--json", "--config", str(CONFIG)],
        env=os.environ | environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    (row,) = [one for one in rows if one["what"].startswith("index")]
    return row["state"], row["note"]


def test_without_security_no_users_are_created(elasticsearch_url: str, tmp_path: Path) -> None:
    make_passwords(tmp_path, {})
    assert not ElasticSecurity(IndexOptions(url=elasticsearch_url)).is_on()
    settings = load(CONFIG, {"NEWS_INGEST_INDEX_URL": elasticsearch_url})
    assert make_users(settings, tmp_path) == []


class Secured(NamedTuple):
    """An engine with security, set up as `news-ingest setup` does, and what asks it."""

    url: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "NEWS_INGEST_INDEX_URL": self.url,
            "NEWS_INGEST_INDEX_USERNAME": "tester",
            "NEWS_INGEST_INDEX_PASSWORD": PASSWORD,
        }

    @property
    def settings(self) -> Settings:
        return load(CONFIG, self.environment)

    def login(self, who: SecretFile | None) -> tuple[str, str]:
        return ("tester", PASSWORD) if who is None else (who.user, password_of(self.folder, who))

    def index(self, who: SecretFile | None = None, password: str = "") -> ElasticIndex:
        user, stored = self.login(who)
        options = IndexOptions(url=self.url, username=user, password=password or stored)
        return ElasticIndex(options, config_folder=CONFIG, clock=lambda: NOW)

    def ask(
        self, path: str, body: Any = None, method: str = "GET", who: SecretFile | None = None
    ) -> Any:
        login = base64.b64encode(":".join(self.login(who)).encode()).decode()
        headers = {"authorization": f"Basic {login}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, headers, method=method)
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def is_refused(self, who: SecretFile, method: str, path: str, body: Any = None) -> bool:
        try:
            self.ask(path, body, method, who)
        except HTTPError as error:
            return error.code == 403
        return False


@pytest.fixture
def secured(elasticsearch_server: Callable[..., ElasticsearchServer], tmp_path: Path) -> Secured:
    found = Secured(elasticsearch_server(password=PASSWORD).address, tmp_path)
    make_passwords(tmp_path, {})
    with closing(found.index()) as index:
        index.apply(NOW)
        index.apply(datetime.now(UTC))
    return found


def test_setup_creates_a_user_for_each_need_who_can_do_no_more(secured: Secured) -> None:
    assert make_users(secured.settings, secured.folder, dry_run=True) == [
        "user kibana_system has another password",
        "user news_poll is missing",
        "user news_reader is missing",
        "user news_index is missing",
        "user news_analyst is missing",
    ]
    assert make_users(secured.settings, secured.folder) == [
        "set the password of user kibana_system",
        "created user news_poll",
        "created user news_reader",
        "created user news_index",
        "created user news_analyst",
    ]
    assert make_users(secured.settings, secured.folder) == []
    assert secured.ask("/_security/_authenticate", who=KIBANA)["username"] == KIBANA.user

    # Index writes documents and what belongs to them, into months that it creates itself.
    index = secured.index(INDEX)
    old = replace(an_indexed_document("ferry"), first_seen_at=NOW - timedelta(days=900))
    writes = [IndexWrite(an_indexed_document("flood")), IndexWrite(old)]
    assert [one.kind for one in index.put(writes)] == ["written"] * 2
    index.refresh()
    assert set(index.known([an_id("flood")])) == {an_id("flood")}
    index.revisions.forget([A_REVISION])
    index.revisions.put([A_REVISION])
    index.refresh()
    assert index.revisions.search(RevisionRequest()).revisions == (A_REVISION,)
    index.layouts.put_alarms([])
    assert [one.site for one in index.layouts.layouts(NOW, NOW, 1)] == ["elsin-courier.example"]
    assert index.expire(NOW - timedelta(days=400)) == 0  # the old month is the policy's to delete
    with closing(secured.index()) as setup:
        assert setup.expire(NOW - timedelta(days=400)) == 1

    # Poll writes the health of feeds and reads the alarms; fetch and enrich read documents.
    poll, reader = secured.index(POLL), secured.index(READER)
    poll.ping()
    poll.feeds.put([FeedRecord(feed_id="a", version=1, updated_at=NOW, state="healthy")])
    assert poll.feeds.ids() == {"a"}
    poll.feeds.remove(["a"])
    assert poll.feeds.ids() == set()
    assert poll.layouts.alarms() == ()
    reader.ping()
    assert set(reader.known([an_id("flood")])) == {an_id("flood")}

    # None of them deletes the archive, makes another index, or makes users.
    month = index.known([an_id("flood")])[an_id("flood")].index
    for who in (POLL, READER, INDEX, ANALYST):
        assert secured.is_refused(who, "DELETE", f"/{month}-r1")
        assert secured.is_refused(who, "DELETE", "/news-revisions-r1")
        assert secured.is_refused(who, "PUT", "/news-other")
        assert secured.is_refused(who, "PUT", "/_security/user/intruder", INTRUDER)
        assert secured.is_refused(who, "PUT", f"/{month}/_settings", {"index.hidden": True})
    remove = {"actions": [{"remove_index": {"index": f"{month}-r1"}}]}
    for who in (POLL, READER, ANALYST):
        assert secured.is_refused(who, "POST", "/_aliases", remove)
        assert secured.is_refused(who, "PUT", f"/{month}/_doc/x", {})
    everything = {"query": {"match_all": {}}}
    for who in (POLL, READER, INDEX, ANALYST):
        assert secured.is_refused(who, "POST", "/news-documents/_delete_by_query", everything)
    assert secured.is_refused(POLL, "GET", "/news-documents/_search")
    for who in (READER, ANALYST):
        assert secured.is_refused(who, "PUT", "/news-feeds/_doc/x", {})
    for one in (index, poll, reader):
        one.close()

    # Only the user of setup compares what setup made.
    assert checked(secured.environment) == ("good", "answers, nothing to change")
    user, password = secured.login(INDEX)
    own = {"NEWS_INGEST_INDEX_USERNAME": user, "NEWS_INGEST_INDEX_PASSWORD": password}
    state, note = checked(secured.environment | own)
    assert (state, "cannot be compared by this user" in note) == ("good", True)


def test_the_analyst_searches_keeps_a_password_of_their_own_and_gets_another_if_it_is_lost(
    secured: Secured,
) -> None:
    make_users(secured.settings, secured.folder)
    with closing(secured.index(INDEX)) as index:
        index.put([IndexWrite(an_indexed_document("flood"))])
        index.revisions.put([A_REVISION])
        index.refresh()
    with closing(secured.index(ANALYST)) as analyst:
        assert analyst.search(SearchRequest()).total == 1
        assert analyst.revisions.search(RevisionRequest()).total == 1
    for besides in ("news-feeds", "news-sites"):
        assert secured.ask(f"/{besides}/_search", who=ANALYST)["timed_out"] is False

    # A person's own password stays; that of a stage is set again; other roles are kept.
    secured.ask(f"/_security/user/{ANALYST.user}/_password", {"password": "of-my-own"}, "PUT")
    secured.ask(f"/_security/user/{INDEX.user}/_password", {"password": "forgotten"}, "PUT")
    extra = {"roles": ["monitoring_user"], "full_name": "A stage"}
    secured.ask(f"/_security/user/{INDEX.user}", extra, "PUT")
    make = partial(make_users, secured.settings, secured.folder)
    assert make() == ["added roles to user news_index"]
    assert make() == ["set the password of user news_index"]
    assert make() == []
    found = secured.ask(f"/_security/user/{INDEX.user}")[INDEX.user]
    assert found["roles"] == ["monitoring_user", "news_index_stage"]
    assert found["full_name"] == "A stage"
    with closing(secured.index(ANALYST, "of-my-own")) as analyst:
        assert analyst.search(SearchRequest()).total == 1

    # Whoever changed a password: one that is refused is never shown, and a new one is made.
    def secrets(*words: str, input: str = "") -> Result:
        command = ["secrets", "--folder", str(secured.folder), *words]
        return CliRunner().invoke(app, command, input=input, env=secured.environment)

    before = password_of(secured.folder, ANALYST)
    refused = secrets("show")
    assert refused.exit_code == 1
    assert before not in refused.output
    assert "changed after it was made" in refused.output
    assert secrets("renew").exit_code == 0
    renewed = password_of(secured.folder, ANALYST)
    assert renewed in secrets("show").stdout
    assert secured.ask("/_security/_authenticate", who=ANALYST)["username"] == ANALYST.user

    wrong = secrets("renew", "--given", input="not-this\n")
    assert (wrong.exit_code, "not-this" in wrong.output) == (1, False)
    assert password_of(secured.folder, ANALYST) == renewed
    secured.ask(f"/_security/user/{ANALYST.user}/_password", {"password": "from-elsewhere"}, "PUT")
    assert secrets("renew", "--given", input="from-elsewhere\n").exit_code == 0
    assert "from-elsewhere" in secrets("show").stdout
