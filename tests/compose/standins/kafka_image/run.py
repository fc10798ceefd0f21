"""Stand-in for /etc/kafka/docker/run of apache/kafka: variables to properties, format, start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NOT_PROPERTIES = {"KAFKA_VERSION", "KAFKA_HEAP_OPTS", "KAFKA_LOG4J_OPTS", "KAFKA_OPTS"}
FILE = Path("/opt/kafka/config/server.properties")


def property_of(variable: str) -> str:
    """Return the property of a variable: `_` is a dot, `__` an underscore, `___` a hyphen."""
    name = variable.removeprefix("KAFKA_").replace("___", "\0").replace("__", "\1")
    return name.replace("_", ".").replace("\0", "-").replace("\1", "_").lower()


properties = {
    property_of(name): value
    for name, value in os.environ.items()
    if name.startswith("KAFKA_") and name not in NOT_PROPERTIES
}
FILE.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
classes = ":".join(str(path) for path in sorted(Path("/opt/kafka/libs").glob("*.jar")))
java = [
    "java", *os.environ.get("KAFKA_HEAP_OPTS", "-Xms1g -Xmx1g").split(), "-XX:+UseG1GC",
    "-Dlog4j2.configurationFile=/opt/kafka/config/log4j2.properties", "-cp", classes,
]  # fmt: skip
if not Path(properties["log.dirs"], "meta.properties").exists():
    words = ["format", f"--cluster-id={os.environ['CLUSTER_ID']}", "-c", str(FILE)]
    if subprocess.run([*java, "kafka.tools.StorageTool", *words]).returncode:
        sys.exit("the storage cannot be formatted")
os.execvp("java", [*java, "kafka.Kafka", str(FILE)])
