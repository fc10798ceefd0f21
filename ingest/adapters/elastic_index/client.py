"""Talks to Elasticsearch: the only file that imports its client (patience.py: its transport)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import elastic_transport
import msgspec
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError
from elasticsearch.helpers import BulkIndexError, ScanError, streaming_bulk

from ingest.adapters.elastic_index.verdicts import (
    EngineAnswer,
    is_disk_block,
    is_foreign_version,
    is_month_missing,
    is_refusal,
    is_unavailable,
)
from ingest.errors import IndexDiffers, IndexFault, IndexRefused, IndexUnavailable, NewsIngestError
from ingest.settings.options import IndexOptions

#: An engine that starts answers 401 to users that it keeps in an index, until it has opened that
#: index: seen for some seconds. A key that was taken away is noticed so much later.
STARTING_SECONDS = 60.0

UNAUTHORISED = 401


class NotLetInYet(elastic_transport.ConnectionError):
    """A client that was let in before, or waited for the engine, is not let in for now."""


class PatientTransport(elastic_transport.Transport):
    """Takes 401 for "not yet" for a while, where the engine may just be starting.

    That is after an answer of another kind (so the credentials were good) and after a failed
    connection. A client whose very first answer is 401 is told so at once.
    """

    def __init__(
        self, *given: Any, monotonic: Callable[[], float] = time.monotonic, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._monotonic = monotonic
        self._may_be_starting = False
        self._refused_at: float | None = None

    def perform_request(self, *given: Any, **named: Any) -> elastic_transport.TransportApiResponse:
        """Return the answer. Errors: NotLetInYet beside those of every transport."""
        try:
            answer = super().perform_request(*given, **named)
        except elastic_transport.TransportError:
            self._may_be_starting = True
            raise
        if answer.meta.status != UNAUTHORISED:
            self._may_be_starting = True
            self._refused_at = None
            return answer
        now = self._monotonic()
        if self._refused_at is None:
            self._refused_at = now
        if self._may_be_starting and now - self._refused_at < STARTING_SECONDS:
            raise NotLetInYet(_reason_of(answer.body))
        return answer


def _reason_of(body: Any) -> str:
    try:
        return f"{UNAUTHORISED} {body['error']['type']}: {body['error']['reason']}"
    except (KeyError, TypeError):
        return str(UNAUTHORISED)


#: Everything the client and its transport can raise.
CLIENT_ERRORS = (
    elastic_transport.ApiError,
    elastic_transport.TransportError,
    BulkIndexError,
    ScanError,
)

CLIENT_VERSION = version("elasticsearch")

#: The client's own 10 s are the classic failure of bulk writers.
REQUEST_TIMEOUT_SECONDS = 60.0
BULK_BYTES = 5 * 1024 * 1024
BULK_RETRIES = 3
RETRIED_STATUSES = (429, 502, 503, 504)

#: An item of several that failed says no status, only its type; what is not named may pass.
_STATUS_OF_AN_ITEM = {"index_not_found_exception": 404, "security_exception": 403}

DISK_REMEDY = (
    "free space on the engine's disk; writing goes on by itself once it is under the watermark"
)


class Write(msgspec.Struct, frozen=True):
    """What is written under one id of an index; None for `body` takes it out.

    An older version of an id never wins.
    """

    index: str
    id: str
    version: int
    body: bytes | None


class Engine:
    """One Elasticsearch: requests by method and path, with its errors translated to ours.

    Errors of every method: IndexUnavailable, IndexRefused, IndexDiffers; IndexFault for a
    request that the engine calls wrong. `doing` says in them what the work was.
    """

    def __init__(self, options: IndexOptions) -> None:
        self.url = _without_credentials(options.url)
        self._client = _connect(options)

    def ask(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed answer to one request; None for 404."""
        return self._sent(method, path, doing, body, params, frozenset({404}))

    def tell(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        body: Any = None,
        accepting: frozenset[int | str] = frozenset(),
    ) -> Any:
        """Return the answer to a request; None for an accepted status or type of error."""
        return self._sent(method, path, doing, body, None, accepting)

    def search(self, alias: str, body: Mapping[str, Any]) -> Any:
        """Return the answer of all shards; one without hits where there is no such index.

        Errors: also IndexUnavailable when some shards did not answer.
        """
        path = f"/{alias}/_search?ignore_unavailable=true"
        return self.whole(self.tell("POST", path, "searching", body=body))

    def whole(self, answer: Any) -> Any:
        """Return the answer to a search. Errors: IndexUnavailable when some shards gave none."""
        shards = answer["_shards"]
        if shards["failed"]:
            reason = shards.get("failures", [{}])[0].get("reason", {}).get("reason", "")
            raise IndexUnavailable(
                "part of the index does not answer",
                value=f"{shards['failed']} of {shards['total']} shards: {reason}",
                origin=self.url,
                remedy="look at the engine's cluster health",
            )
        return answer

    def found(
        self, places: Sequence[tuple[str, str]], fields: Sequence[str], doing: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield index and item of each document that is there, searchable yet or not.

        `places` are pairs of index and id, `fields` those that are read: all where none is named. An index that does not exist holds none; any other
        error means that we do not know.
        """
        if not places:
            return
        docs = [{"_index": index, "_id": id} for index, id in places]
        path = f"/_mget?_source_includes={','.join(fields) or '*'}"
        answer = self.tell("POST", path, doing, body={"docs": docs})
        for (index, _), item in zip(places, answer["docs"], strict=True):
            if item.get("found"):
                yield index, item
            elif "error" in item:
                status = _STATUS_OF_AN_ITEM.get(str(item["error"].get("type")), 503)
                fault = EngineAnswer.of(status, item["error"])
                if not is_month_missing(fault):
                    raise refusal(fault, self.url, doing)

    def bulk(self, writes: Iterable[Write]) -> Iterator[tuple[str, EngineAnswer, bool]]:
        """Write in bulk; what is refused for now is sent again.

        Shape: id, answer, and whether the answer is that of a whole request; one a write, not in
        their order.
        """
        try:
            yield from _bulk(self._client, map(_action, writes))
        except CLIENT_ERRORS as error:
            raise translate(error, self.url, "writing documents") from error

    def close(self) -> None:
        self._client.close()

    def _sent(
        self,
        method: str,
        path: str,
        doing: str,
        body: Any,
        params: Mapping[str, Any] | None,
        accepting: frozenset[int | str],
    ) -> Any:
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            answer = self._client.perform_request(
                method, path, params=params, headers=headers, body=body
            )
        except ApiError as error:
            if error.status_code in accepting or answer_of(error).type in accepting:
                return None
            raise translate(error, self.url, doing) from error
        except CLIENT_ERRORS as error:
            raise translate(error, self.url, doing) from error
        return answer.body


def _connect(options: IndexOptions) -> Elasticsearch:
    credentials: dict[str, Any] = {}
    if options.api_key:
        credentials["api_key"] = options.api_key
    elif options.username:
        credentials["basic_auth"] = (options.username, options.password)
    if options.url.startswith("https"):
        credentials |= {"verify_certs": options.verify_tls, "ssl_show_warn": False}
        if options.ca_file:
            credentials["ca_certs"] = options.ca_file
    return Elasticsearch(
        hosts=[_with_port(options.url)],
        request_timeout=REQUEST_TIMEOUT_SECONDS,
        max_retries=1,
        retry_on_status=(),
        retry_on_timeout=False,
        transport_class=PatientTransport,
        **credentials,
    )


def _without_credentials(url: str) -> str:
    """Return the URL as it may be shown."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _with_port(url: str) -> str:
    """Return the URL with a port, which the client insists on: 9200 where none is named."""
    parts = urlsplit(url)
    if parts.port is not None:
        return url
    return urlunsplit(parts._replace(netloc=f"{parts.netloc}:9200"))


def translate(error: Exception, url: str, doing: str) -> NewsIngestError:
    """Return our error for one of the client's."""
    if isinstance(error, ApiError) and not isinstance(error, UnsupportedProductError):
        return refusal(answer_of(error), url, doing)
    kind: type[NewsIngestError] = IndexUnavailable
    value = str(error)
    if isinstance(error, UnsupportedProductError):
        kind, what = IndexDiffers, "what answers is not an Elasticsearch ≥ 7.14"
        remedy = "set index.url to an Elasticsearch 8.19 or newer"
    elif isinstance(error, elastic_transport.TlsError) and "CERTIFICATE" in error.message.upper():
        kind, what = IndexRefused, "the engine's certificate is not trusted"
        value, remedy = error.message, "name its authority in index.ca_file"
    elif isinstance(error, NotLetInYet):
        value, what = error.message, f"the index does not let this client in while {doing}"
        remedy = (
            f"an engine that starts does so; if it lasts for {STARTING_SECONDS:.0f} s, "
            "the work ends: check index.username, index.password or index.api_key then"
        )
    else:
        what = f"the index does not answer while {doing}"
        remedy = "start Elasticsearch or fix index.url; the work goes on by itself"
    return kind(what, value=value, origin=url, remedy=remedy)


def answer_of(error: ApiError) -> EngineAnswer:
    """Return status, type and reason of an answer that is an error."""
    body = error.body
    cause = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(cause, dict):
        return EngineAnswer.of(error.status_code, cause)
    return EngineAnswer(error.status_code, "", str(cause)[:1000])


def refusal(answer: EngineAnswer, url: str, doing: str) -> NewsIngestError:
    """Return the error that an answer to a whole request means."""
    value = f"{answer.status} {answer.type}: {answer.reason}"
    kind: type[NewsIngestError]
    if is_disk_block(answer):
        kind, what = IndexUnavailable, "the index takes no writes: disk watermark"
        remedy = DISK_REMEDY
    elif is_refusal(answer):
        kind, what = IndexRefused, f"the index refuses this client while {doing}"
        remedy = (
            "check index.username, index.password or index.api_key, and their rights; "
            "an engine that has just started refuses everybody for some seconds"
        )
    elif is_foreign_version(answer):
        kind, what = IndexDiffers, "client and engine do not speak the same version"
        value += f" (client {CLIENT_VERSION})"
        remedy = "use an Elasticsearch 8.19 or newer, or a client of its major version"
    elif is_unavailable(answer):
        kind, what = IndexUnavailable, f"the index is not ready while {doing}"
        remedy = "the work goes on by itself once the engine is ready"
    else:
        kind, what = IndexFault, f"the index refused a request while {doing}"
        remedy = "run `news-ingest setup`; if that does not help, please report it"
    return kind(what, value=value, origin=url, remedy=remedy)


def _bulk(
    client: Elasticsearch, actions: Iterable[tuple[dict[str, Any], bytes | None]]
) -> Iterator[tuple[str, EngineAnswer, bool]]:
    results = streaming_bulk(
        client,
        cast(Any, actions),
        chunk_size=500,
        max_chunk_bytes=BULK_BYTES,
        expand_action_callback=_as_it_is,
        raise_on_error=False,
        raise_on_exception=False,
        max_retries=BULK_RETRIES,
        initial_backoff=0.2,
        max_backoff=5,
        retry_on_status=RETRIED_STATUSES,
        require_alias=True,
    )
    for _, item in results:
        (info,) = item.values()
        exception = info.get("exception")
        if isinstance(exception, ApiError):
            yield info["_id"], answer_of(exception), True
        else:
            yield info["_id"], EngineAnswer.of(info["status"], info.get("error")), False


def _action(one: Write) -> tuple[dict[str, Any], bytes | None]:
    line = {
        "_index": one.index,
        "_id": one.id,
        "version": one.version,
        "version_type": "external_gte",
    }
    return {"delete" if one.body is None else "index": line}, one.body


def _as_it_is(pair: Any) -> Any:
    """Return an action line and its encoded body to the client unchanged."""
    return pair
