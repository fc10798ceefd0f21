"""The embedded index under several processes, and after one of them was killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.ports import IndexWrite
from ingest.query import SearchRequest, Word
from ingest.settings.options import IndexOptions
from tests.builders import NOW, an_indexed_document

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.builders import NOW, an_indexed_document
from ingest.adapters.sqlite_index import SqliteIndex
from ingest.ports import IndexWrite
from ingest.settings.options import IndexOptions

index = SqliteIndex(Path(sys.argv[1]), IndexOptions(), clock=lambda: NOW)
name, batches = sys.argv[2], int(sys.argv[3])
for batch in range(batches):
    ids = range(batch * 20, batch * 20 + 20)
    verdicts = index.put([IndexWrite(an_indexed_document(f"{{name}}/{{n}}")) for n in ids])
    assert all(verdict.kind == "written" for verdict in verdicts)
    print(batch, flush=True)
index.close()
"""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    with closing(SqliteIndex(tmp_path / "index.db", IndexOptions(), clock=lambda: NOW)) as opened:
        yield opened


def a_writer(path: Path, name: str, batches: int) -> subprocess.Popen[str]:
    code = WRITER.format(root=str(ROOT))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path), name, str(batches)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_processes_write_in_turn_while_others_read(index: SqliteIndex, tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    writers = [a_writer(path, name, 15) for name in ("one", "two", "three")]
    seen = [0]
    while any(writer.poll() is None for writer in writers):
        result = index.search(SearchRequest(query=Word("harbour"), facets=("person",)))
        assert result.total % 20 == 0, "half a batch was seen"
        assert result.total >= seen[-1]
        if result.total:
            assert result.facets["person"][0].count == result.total
        seen.append(result.total)
        time.sleep(0.01)
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert index.search(SearchRequest()).total == 3 * 15 * 20
    assert len(set(seen)) > 3, "the reader saw the archive grow"


@pytest.mark.slow
def test_a_killed_writer_loses_nothing_it_had_written(index: SqliteIndex, tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    writer = a_writer(path, "one", 10_000)
    assert writer.stdout is not None
    done = [int(writer.stdout.readline()) for _ in range(10)]
    writer.kill()
    writer.communicate()
    total = index.search(SearchRequest()).total
    assert total % 20 == 0
    assert total >= (done[-1] + 1) * 20
    # Its turn to write ended with it, and what it had begun is delivered once more.
    again = [IndexWrite(an_indexed_document(f"one/{n}")) for n in range(total + 20)]
    assert {verdict.kind for verdict in index.put(again)} == {"written"}
    assert index.search(SearchRequest(query=Word("harbour"))).total == total + 20
