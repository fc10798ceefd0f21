#!/bin/sh
# Builds a stand-in for each image of docker-compose.yml that this engine does not have. Pull the real
# ones first to test with them. Needs debootstrap (Debian), a full JDK of 21 or later, and the cache
# that `make test` fills (Kafka's jars, the Elasticsearch folder).
set -eu
here=$(cd "$(dirname "$0")/standins" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/news-ingest
root=${STAND_IN_ROOT:-$cache/compose-root}
stack=${1:?version of Elasticsearch and Kibana}
kafka=${2:?version of Kafka}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DOCKER_BUILDKIT=0

has() { docker image inspect "$1" >/dev/null 2>&1; }
built() { docker build -q --label news-ingest.stand-in=1 -t "$1" "$2" && echo "stand-in for $1"; }

base() {
  has news-ingest-stand-in:base && return
  [ -d "$root" ] || debootstrap --variant=minbase \
    --include=python3,python3-venv,python3-pip,ca-certificates,curl,procps bookworm "$root"
  tar -C "$root" -c . | docker import -c 'ENV LC_ALL=C.UTF-8' - news-ingest-stand-in:base
}

java() {
  has news-ingest-stand-in:java && return
  base
  for jdk in "${JAVA_HOME:-/nonexistent}" /usr/lib/jvm/*; do
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$jdk/release" 2>/dev/null || true)
    [ "${version:-0}" -ge 21 ] && [ -e "$jdk/jmods" -o -e "$jdk/bin/jlink" ] && break
    jdk=
  done
  [ -n "$jdk" ] || { echo "no full JDK of 21 or later: set JAVA_HOME" >&2; exit 2; }
  mkdir "$work/java"
  cp -aL "$jdk" "$work/java/jdk"
  printf 'FROM news-ingest-stand-in:base\nCOPY jdk /opt/java\nENV PATH=/opt/java/bin:$PATH JAVA_HOME=/opt/java\n' \
    > "$work/java/Dockerfile"
  built news-ingest-stand-in:java "$work/java"
}

if ! has python:3.11-slim; then
  base
  mkdir "$work/python"
  printf 'FROM news-ingest-stand-in:base\nRUN ln -sf python3 /usr/bin/python\nCMD ["python3"]\n' \
    > "$work/python/Dockerfile"
  built python:3.11-slim "$work/python"
fi
if ! has "apache/kafka:$kafka"; then
  java
  cp -a "$here/kafka_image" "$work/kafka"
  cp -a "$cache/kafka-$kafka/libs" "$work/kafka/libs"
  built "apache/kafka:$kafka" "$work/kafka"
fi
if ! has "docker.elastic.co/elasticsearch/elasticsearch:$stack"; then
  java
  cp -a "$here/elasticsearch_image" "$work/elasticsearch"
  cp -a "$cache/elasticsearch-$stack" "$work/elasticsearch/es"
  rm -f "$work/elasticsearch/es/config/jvm.options" "$work/elasticsearch/es/config/log4j2.properties"
  built "docker.elastic.co/elasticsearch/elasticsearch:$stack" "$work/elasticsearch"
fi
if ! has "docker.elastic.co/kibana/kibana:$stack"; then
  base
  built "docker.elastic.co/kibana/kibana:$stack" "$here/kibana_image"
fi
