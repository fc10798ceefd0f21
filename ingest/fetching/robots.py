"""Checks URLs against robots.txt (RFC 9309)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
from protego import Protego

from ingest.fetching.host_state import HostStates, RobotsFile
from ingest.fetching.politeness import MAX_CRAWL_DELAY_SECONDS
from ingest.identity import request_url
from ingest.ports import Clock

#: The user agent token for rules in robots.txt.
PRODUCT_TOKEN = "news-ingest"  # noqa: S105
#: RFC 9309 §2.5 asks for at least 500 KiB; the rest is ignored.
MAX_BYTES = 512_000
#: Files of this size or more are parsed in a thread: 430 KB take 265 ms.
PARSE_APART_FROM = 64 * 1024
#: After this time without an answer the file counts as absent (RFC 9309 §2.3.1.4).
ABSENT_AFTER = timedelta(days=30)
#: Wait before a file that could not be fetched is requested again; just under the first retry.
TRY_AGAIN_AFTER = timedelta(seconds=45)
MAX_PARSED = 5_000

#: Fetches a robots.txt: status after redirects (3xx if there were too many), at most MAX_BYTES.
#: None if the host rests. Raises FetchFailed if there was no answer.
Get = Callable[[str], Awaitable[tuple[int, bytes] | None]]


class Robots:
    """The rules of all hosts in one process; the files are stored in the host states."""

    def __init__(
        self,
        states: HostStates,
        *,
        clock: Clock,
        cache_hours: float = 24.0,
        try_again_after: timedelta = TRY_AGAIN_AFTER,
    ) -> None:
        self._states = states
        self._clock = clock
        self._fresh_for = timedelta(hours=cache_hours)
        self._try_again_after = try_again_after
        self._parsed: OrderedDict[str, tuple[RobotsFile, Protego]] = OrderedDict()
        self._running: dict[str, asyncio.Future[None]] = {}

    async def verdict(self, url: str, get: Get) -> str:
        """Return `allowed`, `disallowed` or `unreachable` (disallowed for now) for this URL.

        Call `get` if the file is missing or stale; concurrent callers share one request. Errors:
        FetchFailed of `get`, for the caller that made the request.
        """
        origin, path = _parts(url)
        if path.partition("?")[0] == "/robots.txt":
            return "allowed"
        file = await self._file(origin, get)
        now = self._clock()
        if file is None or file.fetched_at is None:
            return "allowed" if file and _is_long_gone(file, now) else "unreachable"
        if _is_long_gone(file, now) or not 200 <= file.status < 300:
            return "allowed"
        rules = await self._rules(origin, file)
        return "allowed" if rules.can_fetch(url, PRODUCT_TOKEN) else "disallowed"

    async def _file(self, origin: str, get: Get) -> RobotsFile | None:
        running = self._running.get(origin)
        if running is not None:
            await asyncio.shield(running)
        file = self._states.robots(origin)
        if running is not None or (file is not None and self._is_good(file)):
            return file
        return await self._ask(origin, file, get)

    def _is_good(self, file: RobotsFile) -> bool:
        now = self._clock()
        if file.failing_since is not None:
            return file.tried_at is not None and now - file.tried_at < self._try_again_after
        return file.fetched_at is not None and now - file.fetched_at < self._fresh_for

    async def _ask(self, origin: str, known: RobotsFile | None, get: Get) -> RobotsFile | None:
        done = self._running[origin] = asyncio.get_running_loop().create_future()
        try:
            answer = await get(f"{origin}/robots.txt")
            if answer is None:
                return known
            file = await self._taken(answer, origin, known)
        except Exception:
            self._states.put_robots(origin, _failed(known, self._clock()))
            raise
        finally:
            del self._running[origin]
            done.set_result(None)
        self._states.put_robots(origin, file)
        return file

    async def _taken(
        self, answer: tuple[int, bytes], origin: str, known: RobotsFile | None
    ) -> RobotsFile:
        status, body = answer
        now = self._clock()
        if status >= 500 or status == 429:
            return _failed(known, now)
        file = RobotsFile(status=status, fetched_at=now, tried_at=now)
        if not 200 <= status < 300:
            return file
        file = msgspec.structs.replace(file, body=_text(body))
        rules = await self._rules(origin, file)
        return msgspec.structs.replace(file, crawl_delay_seconds=_crawl_delay(rules))

    async def _rules(self, origin: str, file: RobotsFile) -> Protego:
        kept = self._parsed.get(origin)
        if kept is not None and kept[0].body == file.body:
            self._parsed.move_to_end(origin)
            return kept[1]
        if len(file.body) > PARSE_APART_FROM:
            rules = await asyncio.to_thread(Protego.parse, file.body)
        else:
            rules = Protego.parse(file.body)
        self._parsed[origin] = (file, rules)
        if len(self._parsed) > MAX_PARSED:
            self._parsed.popitem(last=False)
        return rules


def _parts(url: str) -> tuple[str, str]:
    scheme, _, rest = request_url(url).partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}", f"/{path}"


def _text(body: bytes) -> str:
    if len(body) >= MAX_BYTES:  # the last line may be half a line
        body = body[:MAX_BYTES].rpartition(b"\n")[0]
    return body.decode("utf-8-sig", "replace")


def _failed(known: RobotsFile | None, now: datetime) -> RobotsFile:
    file = known or RobotsFile()
    return msgspec.structs.replace(file, tried_at=now, failing_since=file.failing_since or now)


def _is_long_gone(file: RobotsFile, now: datetime) -> bool:
    return file.failing_since is not None and now - file.failing_since > ABSENT_AFTER


def _crawl_delay(rules: Protego) -> float:
    delay = rules.crawl_delay(PRODUCT_TOKEN) or 0.0
    rate = rules.request_rate(PRODUCT_TOKEN)
    if rate is not None and rate.requests:
        delay = max(delay, rate.seconds / rate.requests)
    return float(min(max(delay, 0.0), MAX_CRAWL_DELAY_SECONDS))
