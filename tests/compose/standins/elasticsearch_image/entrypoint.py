"""Stand-in for the entry point and the password tool of the Elasticsearch image."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HOME = Path("/usr/share/elasticsearch")
JAVA = "/opt/java/bin/java"
SMALL = ["-Xms4m", "-Xmx64m", "-XX:+UseSerialGC"]


def environment() -> dict[str, str]:
    Path("/tmp/es").mkdir(exist_ok=True)
    return os.environ | {
        "ES_HOME": str(HOME), "ES_PATH_CONF": str(HOME / "config"), "ES_TMPDIR": "/tmp/es",
        "ES_JAVA_HOME": "/opt/java", "JAVA": JAVA, "JAVA_TYPE": "ES_JAVA_HOME",
        "ES_DISTRIBUTION_TYPE": "docker", "CLI_JAVA_OPTS": "",
        "HOSTNAME": os.environ.get("HOSTNAME", "es"),
    }  # fmt: skip


def tool(name: str, libraries: str, *words: str) -> list[str]:
    """Return the command of one of Elasticsearch's own tools."""
    return [
        JAVA, *SMALL, f"-Dcli.name={name}", f"-Dcli.script=elasticsearch-{name}",
        f"-Dcli.libs={libraries}", f"-Des.path.home={HOME}", f"-Des.path.conf={HOME}/config",
        "-Des.distribution.type=docker", "-Des.java.type=ES_JAVA_HOME",
        "-cp", f"{HOME}/lib/*:{HOME}/lib/cli-launcher/*",
        "org.elasticsearch.launcher.CliToolLauncher", *words,
    ]  # fmt: skip


def reset_password(words: list[str]) -> None:
    libraries = "modules/x-pack-core,modules/x-pack-security,lib/tools/security-cli"
    os.chdir(HOME)
    os.execve(JAVA, tool("reset-password", libraries, *words), environment())


def password() -> str:
    """Return the password of the file, whose mode the image checks."""
    path = Path(os.environ["ELASTIC_PASSWORD_FILE"])
    mode = oct(path.stat().st_mode & 0o777)[2:]
    if mode not in ("400", "600"):
        sys.exit(f"ERROR: {path} must have file permissions 400 or 600, but has {mode}")
    return path.read_text().rstrip("\n")


def serve() -> None:
    settings = {
        "cluster.name": "docker-cluster", "network.host": "0.0.0.0",
        "path.data": f"{HOME}/data", "path.logs": f"{HOME}/logs",
    }  # fmt: skip
    named = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
    settings |= {name: value for name, value in os.environ.items() if named.fullmatch(name)}
    text = "".join(f"{name}: {value}\n" for name, value in settings.items())
    (HOME / "config" / "elasticsearch.yml").write_text(text)
    secret = password()
    if not (HOME / "config" / "elasticsearch.keystore").exists():
        libraries = "lib/tools/keystore-cli"
        for words, given in ((("create",), ""), (("add", "-x", "bootstrap.password"), secret)):
            command = tool("keystore", libraries, *words)
            subprocess.run(command, input=given, text=True, env=environment(), check=True)
    os.chdir(HOME)
    launcher = "org.elasticsearch.server.launcher.ServerLauncher"
    libraries = f"{HOME}/lib/tools/server-launcher/*"
    os.execve(JAVA, [JAVA, *SMALL, "-cp", libraries, launcher], environment())


if sys.argv[1:2] == ["reset-password"]:
    reset_password(sys.argv[2:])
serve()
