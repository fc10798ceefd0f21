"""`news-ingest check`, `ingest` and `run` on what this user may not read or write, and what is shown."""

from __future__ import annotations

import ctypes
import os
import shutil
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.http_site import Answer, HttpSite
from tests.unit.feeds_rig import Done, FeedsRig
from tests.unit.polling_rig import feed_answer

pytestmark = pytest.mark.slow
WATCHES = "lists:\n  - name: boards\n    type: persn\n    nams: 1\n"


def _as_others() -> None:
    """Make root obey the permissions of files: drop CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):
        libc.prctl(24, capability)  # PR_CAPBSET_DROP; does nothing for other users


def run(rig: FeedsRig, *arguments: str, **environment: str) -> Done:
    ended = subprocess.run(
        [sys.executable, "-m", "ingest.cli.main", *arguments],
        cwd=rig.folder,
        env={
            **{key: value for key, value in os.environ.items() if "NEWS_INGEST_" not in key},
            "NEWS_INGEST_CONFIG": str(rig.config),
            "PYTHONPATH": os.pathsep.join(sys.path),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=_as_others,
    )
    done = Done(ended.returncode, ended.stdout, ended.stderr)
    assert "Traceback" not in done.out + done.err, done
    return done


def findings(rig: FeedsRig, *arguments: str, code: int, **environment: str) -> dict[str, Any]:
    """Return the findings of `check --json` by the first word of what they are about."""
    done = run(rig, "check", "--json", *arguments, **environment)
    assert done.code == code, done
    return {one["what"].partition(" ")[0]: one for one in done.json_lines()}


@pytest.fixture
def rig(tmp_path: Path) -> FeedsRig:
    return FeedsRig(tmp_path / "home", "feeds: []\n")


@pytest.fixture
def closed(rig: FeedsRig) -> Path:
    """Return a folder that may not be entered; skips where permissions do not count."""
    folder = rig.folder / "closed"
    folder.mkdir()
    (folder / "inside.txt").write_text("A ferry.")
    folder.chmod(0)
    looks = [
        sys.executable,
        "-c",
        "import os, sys; os.stat(sys.argv[1])",
        str(folder / "inside.txt"),
    ]
    tried = subprocess.run(looks, capture_output=True, preexec_fn=_as_others, check=False)
    if tried.returncode == 0:
        pytest.skip("this user may enter every folder")
    return folder


@pytest.mark.parametrize(("name", "file"), [("log", "log.db"), ("index", "index.db")])
def test_a_log_or_index_that_cannot_be_written_is_bad(
    rig: FeedsRig, closed: Path, name: str, file: str
) -> None:
    assert run(rig, "setup").code == 0
    path = rig.folder / "var" / file
    assert findings(rig, code=0)[name]["state"] == "good"
    path.chmod(0o400)
    found = findings(rig, code=2)[name]
    assert found["state"] == "bad"
    assert f"cannot write to {path}: " in found["note"]
    path.chmod(0o600)
    path.parent.chmod(0o500)  # SQLite needs its own files beside
    assert f"cannot write to {path.parent}: " in findings(rig, code=2)[name]["note"]
    path.parent.chmod(0o700)
    elsewhere = {f"NEWS_INGEST_{name.upper()}_URL": f"sqlite:///{closed}/new/x.db"}
    assert f"cannot write to {closed}: " in findings(rig, code=2, **elsewhere)[name]["note"]


def test_a_folder_that_may_not_be_entered_ends_no_verb_in_a_traceback(
    rig: FeedsRig, closed: Path
) -> None:
    for verb in (("check",), ("run",), ("ingest", str(rig.file)), ("search", "ferry")):
        for block in ("LOG", "INDEX"):
            done = run(rig, *verb, **{f"NEWS_INGEST_{block}_URL": f"sqlite:///{closed}/in/x.db"})
            if (verb, block) != (("search", "ferry"), "LOG"):
                assert done.code in (2, 4), (verb, block, done)
                assert str(closed) in done.out.replace("\n", "") + done.err
    done = run(rig, "check", "--config", str(closed / "config"))
    assert done.code == 2


def test_a_search_never_takes_a_closed_folder_for_an_empty_archive(
    rig: FeedsRig, closed: Path
) -> None:
    (closed / "x.db").write_bytes(b"an index")
    done = run(rig, "search", "ferry", NEWS_INGEST_INDEX_URL=f"sqlite:///{closed}/x.db")
    assert done.code == 4, done
    assert "may not enter" in done.err


def test_ingest_refuses_what_may_not_be_entered_and_takes_the_rest(
    rig: FeedsRig, closed: Path
) -> None:
    papers = rig.folder / "papers"
    papers.mkdir()
    (papers / "good.txt").write_text("The ferry stays in port\n\nNo boat left Port Elsin today.\n")
    closed.rename(papers / "closed")
    done = run(rig, "ingest", str(papers))
    assert done.code == 1, done
    assert f"refused: unreadable: {papers / 'closed'}" in done.out
    assert "searchable" in done.out
    inside = run(rig, "ingest", str(papers / "closed" / "inside.txt"))
    assert inside.code == 1
    assert "refused: unreadable" in inside.out


def test_ingest_ends_with_2_for_wrong_arguments_and_with_1_for_refused_files(rig: FeedsRig) -> None:
    (rig.folder / "empty.txt").touch()
    outside = rig.folder / "outside.txt"
    outside.write_text("The ferry stays in port\n\nNo boat left Port Elsin today.\n")
    folder = rig.folder / "papers"
    folder.mkdir()
    (folder / "link.txt").symlink_to(outside)
    missing = run(rig, "ingest", "nowhere.txt")
    assert missing.code == 2
    assert "nowhere.txt" in missing.err
    assert run(rig, "ingest", "--nonsense").code == 2
    assert run(rig, "ingest", "empty.txt").code == 1
    refused = run(rig, "ingest", "papers")
    assert refused.code == 1
    assert f"refused: link_out_of_folder: {folder / 'link.txt'}" in refused.out
    assert run(rig, "ingest", "papers", "--follow-links").code == 0


def test_a_broken_watches_yml_is_refused_with_line_and_remedy(rig: FeedsRig) -> None:
    assert run(rig, "check").code == 0
    (rig.config / "watches.yml").write_text(WATCHES)
    for verb in (("check",), ("run",), ("run", "--stage", "enrich")):
        done = run(rig, *verb)
        assert done.code == 2
        assert "config/watches.yml:3: lists.0.type = persn" in done.err
        assert "config/watches.yml:4: lists.0.nams: unknown option; did you mean `name" in done.err
    assert "config/watches.yml" not in run(rig, "setup", "--dry-run").err


def test_faults_come_last_and_good_feeds_are_one_line(tmp_path: Path) -> None:
    with HttpSite() as site:
        feeds = [f"http://paper{number}.example/feed.xml" for number in range(12)]
        site.serve("*", "/feed.xml", feed_answer("bridge", "ferry"))
        site.serve("paper3.example", "/feed.xml", Answer(404))
        rig = FeedsRig(
            tmp_path / "home", f"feeds: {feeds}\n".replace("'", ""), site.hosts("*.example")
        )
        done = run(rig, "check")
        assert done.code == 2
        rows = done.out.splitlines()
        assert "11 feeds" in rows[-2]
        assert "paper3.example" in rows[-1]
        assert done.out.count(".example") == 1
        assert len(run(rig, "check", "--json").json_lines()) == 4 + 12


def _certificate(folder: Path, days: int) -> Path:
    """Return a file with a key and a certificate signed by itself; -1 day: it has expired."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    key, request, made = (folder / f"{days}.{ending}" for ending in ("key", "csr", "pem"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=feeds", "-nodes")
    (folder / "names").write_text("subjectAltName=DNS:old.example\n")
    sign = ("-in", request, "-signkey", key, "-days", str(days), "-out", made, "-extfile")
    for command in (
        ("req", "-new", *curve, "-keyout", key, "-out", request),
        ("x509", "-req", *sign, folder / "names"),
    ):
        subprocess.run([openssl, *command], check=True, capture_output=True)
    made.write_text(key.read_text() + made.read_text())
    return made


@contextmanager
def listening(certificate: Path | None = None, *, hangs_up: bool = False) -> Iterator[str]:
    """Yield the address of a server that never answers, or that hangs up."""

    class Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                if certificate is not None:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(certificate)
                    self.request = context.wrap_socket(self.request, server_side=True)
                while not hangs_up and self.request.recv(1000):
                    pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Silent) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_unreachable_feeds_are_told_in_words(tmp_path: Path) -> None:
    expired = _certificate(tmp_path, -1)
    stranger = _certificate(tmp_path, 9)
    with (
        listening() as silent,
        listening(hangs_up=True) as rude,
        listening(expired) as old,
        listening(stranger) as unknown,
    ):
        hosts = {
            "refused.example": "127.0.0.1:9",
            "silent.example": silent,
            "rude.example": rude,
            "plain.example": rude,
            "old.example": old,
            "unknown.example": unknown,
        }
        secure = ("plain", "old", "unknown")
        urls = [f"http{'s' * (host.split('.')[0] in secure)}://{host}/feed" for host in hosts]
        urls.append("http://10.0.0.1/feed")
        rig = FeedsRig(tmp_path / "home", f"feeds: [{', '.join(urls)}]\n", hosts)
        more = {"NEWS_INGEST_POLLING_TIMEOUT_SECONDS": "3", "SSL_CERT_FILE": str(expired)}
        robots = {"NEWS_INGEST_FETCHING_TIMEOUT_SECONDS": "3"}
        done = run(rig, "check", "--json", **more, **robots)
    notes = {
        one["what"].split("/")[2].split(".")[0]: one["note"]
        for one in done.json_lines()
        if one["state"] == "bad"
    }
    for host, words in (
        ("refused", "connect: the connection failed: connection refused"),
        ("silent", "timeout: timed out"),
        ("rude", "connect: the connection failed: the server closed it without an answer"),
        ("plain", "connect: the connection failed: the server closed it without an answer"),
        (
            "old",
            "tls: no secure connection: the certificate is not trusted: certificate has expired",
        ),
        ("unknown", "tls: no secure connection: the certificate is not trusted: self-signed"),
        ("10", "address_not_public: the address guard refused it: 10.0.0.1 is not allowed"),
    ):
        assert words in notes[host], notes
    assert set(notes) == {"refused", "silent", "rude", "plain", "old", "unknown", "10"}
    for note in notes.values():
        assert "Error" not in note
        assert "Client" not in note
