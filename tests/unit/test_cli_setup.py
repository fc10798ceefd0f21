"""`news-ingest setup` waits for an index that is not there yet, as one-time services must."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest.cli.main import app

CONFIG = Path(__file__).parents[2] / "config"
#: How often the client of Elasticsearch asks by itself before it gives up.
ASKED_AT_ONCE = 2


@pytest.mark.slow
def test_setup_asks_an_index_that_is_down_again_until_the_start_timeout(tmp_path: Path) -> None:
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        # An engine that is going down: it takes the connection and closes it without an answer.
        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                asked.append(connection)
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        environment = {
            "NEWS_INGEST_LOG_URL": f"sqlite:///{tmp_path}/log.db",
            "NEWS_INGEST_INDEX_URL": f"http://127.0.0.1:{server.getsockname()[1]}",
            "NEWS_INGEST_WORKER_START_TIMEOUT_SECONDS": "8",
        }
        done = CliRunner().invoke(app, ["setup", "--config", str(CONFIG)], env=environment)
        server.shutdown(socket.SHUT_RDWR)
    assert done.exit_code == 2
    assert "the index does not answer" in done.output
    assert len(asked) > ASKED_AT_ONCE
