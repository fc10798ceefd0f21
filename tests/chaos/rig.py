"""What a chaos run works on: a broker and an engine behind faulty proxies, six stages, papers."""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ingest.errors import IndexUnavailable
from ingest.identity import document_id_of_url
from ingest.model import IndexedDocument
from ingest.operations.ledger import documents_of
from tests.elastic_archive import Archive
from tests.elasticsearch_server import ElasticsearchServer
from tests.faulty_proxy import FaultyHttp, FaultyTcp
from tests.http_site import HttpSite
from tests.kafka_server import KafkaServer
from tests.scenarios.harness import Installation
from tests.scenarios.press import Paper, a_sentence, papers
from tests.scenarios.processes import Running

PAPERS = 24
#: Articles in a feed: so many that none leaves it during the longest outage.
LISTED = 100
#: How often a feed is polled.
INTERVAL = {"min_interval_minutes": 0.03, "max_interval_minutes": 0.08}
#: Time for one article to become searchable after a fault, at most. A deadline on a loaded machine.
RECOVERY_SECONDS = 300.0


class Rig:
    """One installation with a process for each stage, and the papers that it follows."""

    def __init__(
        self,
        installation: Installation,
        site: HttpSite,
        broker: KafkaServer,
        engine: ElasticsearchServer,
        http: FaultyHttp,
        tcp: FaultyTcp,
        seed: int,
    ) -> None:
        self.installation, self.site = installation, site
        self.broker, self.engine = broker, engine
        self.http, self.tcp = http, tcp
        self.pick = random.Random(seed)
        self.papers: list[Paper] = papers(site, PAPERS, LISTED)
        self.changes: Counter[str] = Counter()
        self.sentences: dict[str, str] = {}
        installation.set_feeds({**paper.feed, **INTERVAL} for paper in self.papers)
        prefix = installation.settings().pipeline.index.prefix
        self._direct = Archive(engine.address, prefix).index()
        installation.command("setup")
        self.stages: dict[str, Running] = installation.start_stages()

    @property
    def urls(self) -> list[str]:
        return [url for paper in self.papers for url in paper.urls]

    def publish(self, count: int) -> None:
        """Publish so many new articles, spread over the papers."""
        for _ in range(count):
            self.pick.choice(self.papers).publish()

    def correct(self) -> None:
        """Add a sentence to an article that is out."""
        paper = self.pick.choice([one for one in self.papers if one.urls])
        url = self.pick.choice(paper.urls[-60:])
        if url in self.sentences:
            return
        self.changes[url] += 1
        # A line that differs by a number alone would soon be taken for a repeated one.
        self.sentences[url] = a_sentence(self.pick)
        paper.rewrite(url, self.sentences[url])

    def recovered(self) -> float:
        """Publish an article and return the seconds until the index has it."""
        (url,) = self.papers[0].publish()
        began = time.monotonic()

        def has_it() -> bool:
            try:
                return document_id_of_url(url) in self._direct.known([document_id_of_url(url)])
            except IndexUnavailable:
                return False

        self.installation.wait_until(has_it, f"{url} is in the index", RECOVERY_SECONDS)
        return time.monotonic() - began

    def documents(self) -> list[IndexedDocument]:
        """Return every searchable document."""
        self._direct.refresh()
        return list(documents_of(self._direct))

    def memory(self) -> dict[str, int]:
        """Return the bytes that each stage holds with its children."""
        found = {}
        for name, running in self.stages.items():
            root = psutil.Process(running.process.pid)
            every = (root, *root.children(recursive=True))
            found[name] = sum(one.memory_full_info().pss for one in every)
        return found

    def asked_too_often(self) -> dict[str, int]:
        """Return the articles that were asked for more than twice a change, and how often."""
        asked = Counter(f"http://{one.host}{one.path}" for one in self.site.asked())
        return {url: asked[url] for url in self.urls if asked[url] > 2 * (1 + self.changes[url])}

    def close(self) -> None:
        self._direct.close()


@contextmanager
def rig(folder: Path, seed: int) -> Iterator[Rig]:
    """Return a rig whose servers and stages run, and end when the block does."""
    tcp = FaultyTcp(("127.0.0.1", 1))
    advertised = f"PLAINTEXT://127.0.0.1:{tcp.port}"
    broker = KafkaServer(
        {"advertised.listeners": advertised, "group.min.session.timeout.ms": "1000"}
    )
    engine = ElasticsearchServer()
    tcp.upstream = ("127.0.0.1", broker.port)
    prefix = uuid.uuid4().hex[:8]
    try:
        with (
            tcp,  # before the broker, which is asked through it
            FaultyHttp(engine.address) as http,
            HttpSite() as site,
        ):
            broker.start()
            engine.start()
            with Installation(
                folder,
                hosts=site.hosts("*.example"),
                log={"url": f"kafka://127.0.0.1:{tcp.port}"},
                index={"url": http.url, "prefix": f"{prefix}-"},
                topics={"prefix": f"{prefix}."},
                # A failing item must outlast a fault of some seconds, as it does by default.
                retry={"delays_seconds": [3, 6, 12]},
            ) as installation:
                found = Rig(installation, site, broker, engine, http, tcp, seed)
                try:
                    yield found
                finally:
                    found.close()
    finally:
        engine.close()
        broker.close()
