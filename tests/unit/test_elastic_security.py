"""Users of a secured Elasticsearch, on a real one."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from ingest.adapters.elastic_index import ElasticIndex
from ingest.adapters.elastic_index.security import ElasticSecurity
from ingest.errors import IndexRefused
from ingest.operations.deployment import make_users
from ingest.ports import FeedRecord, IndexWrite, Revision, RevisionRequest
from ingest.query import SearchRequest
from ingest.settings.load import load
from ingest.settings.options import IndexOptions
from ingest.settings.passwords import ANALYST, STAGES, User, make_passwords, password_of
from tests.builders import NOW, an_id, an_indexed_document
from tests.elasticsearch_server import ElasticsearchServer

CONFIG = Path(__file__).parents[2] / "config"
A_REVISION = Revision(
    document_id=an_id("flood"), revision=2, revision_before=1, version=2, changed_at=NOW,
    first_seen_at=NOW, added=("The quay held.",),
)  # fmt: skip
PASSWORD = "unlikely-to-guess"

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


def test_setup_creates_the_users_with_their_privileges_and_no_more(
    elasticsearch_server: Callable[..., ElasticsearchServer], tmp_path: Path
) -> None:
    url = elasticsearch_server(password=PASSWORD).address
    admin = IndexOptions(url=url, username="tester", password=PASSWORD)
    environment = {
        "NEWS_INGEST_INDEX_URL": url,
        "NEWS_INGEST_INDEX_USERNAME": "tester",
        "NEWS_INGEST_INDEX_PASSWORD": PASSWORD,
    }
    settings = load(CONFIG, environment)
    make_passwords(tmp_path, {})

    def index(user: str, password: str) -> ElasticIndex:
        options = IndexOptions(url=url, username=user, password=password)
        return ElasticIndex(options, config_folder=CONFIG, clock=lambda: NOW)

    def ask(path: str, body: Any = None, method: str = "GET", password: str = PASSWORD) -> Any:
        user = "tester" if password == PASSWORD else ANALYST.user
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"authorization": f"Basic {login}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(url + path, data, headers, method=method), timeout=60) as answer:
            return json.load(answer)

    setup = index("tester", PASSWORD)
    setup.apply(NOW)
    setup.apply(datetime.now(UTC))
    assert make_users(settings, tmp_path, dry_run=True) == [
        "user news_stages is missing",
        "user news_analyst is missing",
    ]
    assert make_users(settings, tmp_path) == [
        "created user news_stages",
        "created user news_analyst",
    ]
    assert make_users(settings, tmp_path) == []

    # The stages write and read documents, and change nothing else.
    stages = index(STAGES.user, password_of(tmp_path, STAGES))
    assert [one.kind for one in stages.put([IndexWrite(an_indexed_document("flood"))])] == [
        "written"
    ]
    stages.refresh()
    assert set(stages.known([an_id("flood")])) == {an_id("flood")}
    stages.feeds.put([FeedRecord(feed_id="a", version=1, updated_at=NOW, state="healthy")])
    assert stages.feeds.ids() == {"a"}
    stages.feeds.remove(["a"])
    stages.revisions.forget([A_REVISION])
    stages.revisions.put([A_REVISION])
    stages.refresh()
    assert stages.revisions.search(RevisionRequest()).revisions == (A_REVISION,)
    stages.layouts.put_alarms([])
    assert [one.site for one in stages.layouts.layouts(NOW, NOW, 1)] == ["elsin-courier.example"]
    stages.expire(NOW - timedelta(days=400))
    with pytest.raises(IndexRefused):
        ElasticSecurity(
            admin.model_copy(
                update={"username": STAGES.user, "password": password_of(tmp_path, STAGES)}
            )
        ).make([User("intruder", "some-password", ("superuser",))])

    # They may not look at what setup made; the setup's user may.
    assert checked(environment) == ("good", "answers, nothing to change")
    own = {"USERNAME": STAGES.user, "PASSWORD": password_of(tmp_path, STAGES)}
    state, note = checked(environment | {f"NEWS_INGEST_INDEX_{key}": own[key] for key in own})
    assert (state, "cannot be compared by this user" in note) == ("good", True)

    # The analyst searches, and writes nothing.
    analyst = index(ANALYST.user, password_of(tmp_path, ANALYST))
    assert analyst.search(SearchRequest()).total == 1
    assert analyst.revisions.search(RevisionRequest()).total == 1
    for besides in ("news-feeds", "news-sites"):
        assert (
            ask(f"/{besides}/_search", password=password_of(tmp_path, ANALYST))["timed_out"]
            is False
        )
    with pytest.raises(HTTPError, match="403"):
        ask("/news-documents/_doc/x", {}, "PUT", password_of(tmp_path, ANALYST))

    # A person's own password stays; that of the stages is fixed; other roles are kept.
    ask(f"/_security/user/{ANALYST.user}/_password", {"password": "of-my-own"}, "PUT")
    ask(f"/_security/user/{STAGES.user}/_password", {"password": "forgotten"}, "PUT")
    extra = {"roles": ["monitoring_user"], "full_name": "All stages"}
    ask(f"/_security/user/{STAGES.user}", extra, "PUT")
    assert make_users(settings, tmp_path) == ["added roles to user news_stages"]
    assert make_users(settings, tmp_path) == ["set the password of user news_stages"]
    assert make_users(settings, tmp_path) == []
    found = ask(f"/_security/user/{STAGES.user}")[STAGES.user]
    assert found["roles"] == ["monitoring_user", "news_index_stage"]
    assert found["full_name"] == "All stages"
    assert index(ANALYST.user, "of-my-own").search(SearchRequest()).total == 1
    for one in (setup, stages, analyst):
        one.close()
