# One image for every part of news-ingest: stages, setup, secrets, the command line.
# It holds the built wheel in a virtual environment of its own, with config/ and seeds/ beside it.

ARG PYTHON_IMAGE=python:3.11-slim

# ── the wheel and what it needs ────────────────────────────────────────────────────────────────
FROM ${PYTHON_IMAGE} AS build
SHELL ["/bin/sh", "-eu", "-c"]
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# The text of a certificate (PEM) to trust while packages are downloaded, for networks that inspect
# TLS. It stays in this build stage and is not part of the image.
ARG CA_CERTIFICATE=""
ENV PIP_CERT=${CA_CERTIFICATE:+/build/ca.pem}
WORKDIR /build
RUN printf '%s\n' "$CA_CERTIFICATE" > ca.pem; python -m venv --without-pip /opt/news-ingest
# Dependencies first, so that a code change does not download them again.
COPY pyproject.toml ./
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > requirements.txt; \
    python -m pip --python /opt/news-ingest/bin/python install --only-binary :all: -r requirements.txt
# A spaCy model of your choice for find_entities: the address of its wheel and the wheel's SHA-256.
ARG SPACY_MODEL=""
ARG SPACY_MODEL_SHA256=""
RUN if [ -n "$SPACY_MODEL" ]; then \
        printf '%s --hash=sha256:%s\n' "$SPACY_MODEL" "$SPACY_MODEL_SHA256" > model.txt; \
        python -m pip --python /opt/news-ingest/bin/python install --only-binary :all: 'spacy>=3.8,<3.9'; \
        python -m pip --python /opt/news-ingest/bin/python install --no-deps --require-hashes -r model.txt; \
    fi
COPY README.md LICENSE NOTICE ./
COPY ingest ingest
COPY processors processors
COPY config config
RUN python -m pip wheel --no-deps --wheel-dir dist .; \
    python -m pip --python /opt/news-ingest/bin/python install --no-deps dist/*.whl

# ── what runs ──────────────────────────────────────────────────────────────────────────────────
FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="news-ingest" \
      org.opencontainers.image.description="Feeds in, a searchable news archive out." \
      org.opencontainers.image.licenses="Apache-2.0"
# User 1000 is also the user of the Elasticsearch and Kibana images, which read the same passwords,
# and usually the first user of a host, who owns config/. Any other user id works through group 0,
# which can write everything that must be writable.
# Nothing is installed in a container that runs, so pip and setuptools go too.
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/site-packages/setuptools* \
        /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
    && useradd --uid 1000 --gid 0 --home-dir /app/var --no-create-home --shell /usr/sbin/nologin ingest \
    && mkdir -p /app/var/archive /secrets/admin /secrets/kibana \
        /secrets/poll /secrets/reader /secrets/index \
    && chown -R 1000:0 /app /secrets \
    && chmod -R 0770 /app/var /secrets
COPY --from=build /opt/news-ingest /opt/news-ingest
COPY --chown=1000:0 config /app/config
COPY --chown=1000:0 seeds /app/seeds
ENV PATH=/opt/news-ingest/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/app/var \
    NEWS_INGEST_CONFIG=/app/config
WORKDIR /app
USER 1000:0
ENTRYPOINT ["news-ingest"]
CMD ["--help"]
