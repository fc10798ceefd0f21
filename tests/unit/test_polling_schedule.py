"""When feeds are asked: intervals, floors, backoff, and what they cost together."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ingest.model import Feed
from ingest.polling.schedule import intervals as schedule
from ingest.polling.schedule import planning
from ingest.polling.schedule.intervals import Bounds, Demand
from ingest.polling.schedule.planning import Success
from ingest.polling.schedule.rate import Rate, observed, profile_weights, seeded, slot_of
from ingest.polling.state.feed_state import FeedState
from ingest.settings.options import PollingOptions

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FEED = Feed(id="courier", url="http://elsin-courier.example/feed", publisher="Elsin Courier")
OPTIONS = PollingOptions()
rates = st.floats(min_value=0.001, max_value=100)


def a_state(**changes: object) -> FeedState:
    return FeedState(feed_id="courier", configured_url=FEED.url, **changes)  # type: ignore[arg-type]


@given(st.lists(rates, min_size=1, max_size=60), st.floats(min_value=5, max_value=600))
def test_all_feeds_together_take_the_allowance(weights: list[float], minutes: float) -> None:
    demands = [Demand(weight, Bounds(1.0, 1e9)) for weight in weights]
    allowed = len(demands) * 60 / minutes
    kappa = schedule.solve_kappa(demands, allowed)
    asked = sum(3600 / schedule.interval_seconds(kappa, demand) for demand in demands)
    shortest = sum(3600 / demand.bounds.least for demand in demands)
    assert asked == pytest.approx(min(allowed, shortest), rel=0.02)


@given(rates, st.floats(min_value=1, max_value=100))
def test_a_greater_weight_never_lengthens_the_interval(weight: float, factor: float) -> None:
    bounds = Bounds(300.0)
    slow = schedule.interval_seconds(1.0, Demand(weight, bounds))
    assert schedule.interval_seconds(1.0, Demand(weight * factor, bounds)) <= slow


def test_four_times_the_rate_halves_the_interval() -> None:
    bounds = Bounds(1.0)
    slow = schedule.interval_seconds(0.5, Demand(1.0, bounds))
    assert schedule.interval_seconds(0.5, Demand(4.0, bounds)) == pytest.approx(slow / 2)


def test_bounds_that_all_feeds_hit_are_kept() -> None:
    demands = [Demand(1.0, Bounds(300.0)) for _ in range(10)]
    kappa = schedule.solve_kappa(demands, 1e9)
    assert schedule.interval_seconds(kappa, demands[0]) == 300.0
    kappa = schedule.solve_kappa(demands, 1e-9)
    assert schedule.interval_seconds(kappa, demands[0]) == schedule.MAX_INTERVAL_SECONDS


def test_with_a_flat_profile_the_walk_is_the_square_root_rule() -> None:
    demand = Demand(0.3, Bounds(300.0))
    walked = schedule.walked_seconds(0.7, demand, (1.0,) * 48, NOW.replace(minute=17))
    assert walked == pytest.approx(schedule.interval_seconds(0.7, demand))


def test_a_night_interval_does_not_sleep_through_the_morning() -> None:
    rate = Rate(updated_at=NOW)
    for day in range(10):
        for hour in (7, 8, 9):
            at = datetime(2026, 11, 2 + day, hour, 30, tzinfo=UTC)
            rate = observed(rate, 8, at)
    weights = profile_weights(rate)
    night = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
    demand = Demand(rate.per_hour, Bounds(300.0))
    assert weights[slot_of(night.replace(hour=8))] > 4 * weights[slot_of(night)]
    kappa = 9 * math.sqrt(rate.per_hour)
    flat = schedule.walked_seconds(kappa, demand, (1.0,) * 48, night)
    walked = schedule.walked_seconds(kappa, demand, weights, night)
    assert (night + timedelta(seconds=flat)).hour == 10
    assert (night + timedelta(seconds=walked)).hour in (8, 9)


def test_a_profile_spends_the_same_requests_over_a_week() -> None:
    rate = seeded([NOW - timedelta(hours=hours) for hours in range(0, 300, 7)], NOW)
    weights = profile_weights(rate)
    spent = sum(math.sqrt(w) * (5 if slot < 24 else 2) for slot, w in enumerate(weights))
    assert spent / 168 == pytest.approx(1.0)


def test_the_rate_follows_what_was_seen_and_forgets() -> None:
    rate = Rate(updated_at=NOW)
    for hour in range(1, 101):
        rate = observed(rate, 3, NOW + timedelta(hours=hour))
    assert rate.per_hour == pytest.approx(3, rel=0.1)
    later = rate
    for hour in range(1, 60):
        later = observed(later, 0, NOW + timedelta(hours=100 + 24 * hour))
    assert later.per_hour < 0.3


def test_declared_dates_seed_a_new_feed() -> None:
    dates = [NOW - timedelta(hours=hours) for hours in range(48)]
    assert seeded(dates, NOW).per_hour == pytest.approx(48.5 / 55, rel=0.05)
    stale = [NOW - timedelta(days=300)]
    assert seeded(stale, NOW).per_hour == Rate().per_hour


def test_the_window_of_a_fast_feed_shortens_its_interval() -> None:
    assert schedule.guarded_seconds(7200, 20, 40) == 900
    assert schedule.guarded_seconds(600, 20, 40) == 600
    assert schedule.guarded_seconds(600, 0, 40) == 600


def test_ttl_counts_only_when_it_is_plausible() -> None:
    fast = {"ttl_seconds": 86_400.0, "period_seconds": None, "per_hour": 5.0}
    slow = {"ttl_seconds": 7_200.0, "period_seconds": 3_600.0, "per_hour": 0.1}
    assert schedule.declared_floor("plausible", **fast) is None  # type: ignore[arg-type]
    assert schedule.declared_floor("always", **fast) == (86_400.0, "ttl")  # type: ignore[arg-type]
    assert schedule.declared_floor("plausible", **slow) == (7_200.0, "ttl")  # type: ignore[arg-type]
    assert schedule.declared_floor("never", **slow) is None  # type: ignore[arg-type]


def test_skipped_hours_and_days_are_left_alone() -> None:
    friday_noon = NOW
    assert schedule.after_skips(friday_noon, (12, 13), ()) == NOW.replace(hour=14)
    monday = schedule.after_skips(friday_noon, (), (4, 5, 6))
    assert monday == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    assert schedule.after_skips(NOW, tuple(range(24)), ()) == NOW


@given(st.floats(min_value=60, max_value=86_400), st.text(max_size=20), st.text(max_size=20))
def test_jitter_stays_within_a_tenth_and_never_changes(
    interval: float, key: str, salt: str
) -> None:
    first = schedule.jittered_seconds(interval, key, salt)
    assert interval * 0.9 <= first <= interval * 1.1
    assert schedule.jittered_seconds(interval, key, salt) == first


@given(
    st.floats(min_value=60, max_value=86_400),
    st.floats(min_value=0, max_value=30),
    st.floats(min_value=0, max_value=1),
    st.booleans(),
)
def test_a_failing_feed_is_never_asked_more_often_than_a_healthy_one(
    interval: float, score: float, spread: float, is_refused: bool
) -> None:
    wait = schedule.backoff_seconds(
        interval, score, is_refused=is_refused, spread=spread, least=300
    )
    assert wait >= interval
    assert wait <= 86_400
    assert not is_refused or wait >= 6 * 3600


def test_a_week_of_500_doubles_the_waits_up_to_a_day() -> None:
    state, now, waits = a_state(interval_seconds=600.0), NOW, []
    while now - NOW < timedelta(days=7):
        state = planning.failed(state, FEED, OPTIONS, now, "http_5xx", "HTTP 503")
        assert state.next_poll_at is not None
        waits.append((state.next_poll_at - now).total_seconds())
        now = state.next_poll_at
    assert 600 <= waits[0] < 1200
    assert waits[-1] >= 43_200
    assert max(waits) <= 86_400


def test_after_a_month_of_failures_a_week_passes_between_requests() -> None:
    state = a_state(interval_seconds=600.0, failing_since_at=NOW - timedelta(days=31))
    state = planning.failed(state, FEED, OPTIONS, NOW, "http_404", "HTTP 404")
    assert state.next_poll_at == NOW + timedelta(days=7)


def test_a_poll_that_a_crash_breaks_off_is_due_again_soon_but_never_too_soon() -> None:
    claim = planning.claimed(a_state(interval_seconds=5_000.0), FEED, OPTIONS, 1.0, NOW)
    assert claim.next_poll_at == NOW + timedelta(seconds=OPTIONS.min_interval_seconds)
    assert (claim.last_poll_at, claim.interval_seconds) == (NOW, 5_000.0)
    slow = replace(FEED, min_interval_minutes=120)
    claim = planning.claimed(a_state(), slow, OPTIONS, 1.0, NOW)
    assert claim.next_poll_at == NOW + timedelta(hours=2)
    first = planning.planned_interval(slow, a_state(), OPTIONS, 1.0, NOW)
    assert claim.interval_seconds == first  # there was no success yet to give one


def test_our_own_outage_counts_against_nobody() -> None:
    state = a_state(interval_seconds=600.0)
    state = planning.failed(state, FEED, OPTIONS, NOW, "connect", "refused", is_frozen=True)
    assert state.failure_score == 0


def test_no_floor_is_undercut() -> None:
    for minute in range(50):
        now = NOW + timedelta(minutes=minute)
        state = planning.succeeded(a_state(), FEED, OPTIONS, 0.001, now, Success(cache_floor=7_200))
        assert state.next_poll_at is not None
        assert state.next_poll_at - now >= timedelta(hours=2)
        assert state.floor_reason == "Cache-Control"
        bare = planning.succeeded(a_state(), FEED, OPTIONS, 0.001, now, Success())
        assert bare.next_poll_at is not None
        assert bare.next_poll_at - now >= timedelta(minutes=5)


def test_an_overflow_halves_the_interval() -> None:
    state = a_state(interval_seconds=3_600.0, window_size=20)
    after = planning.succeeded(state, FEED, OPTIONS, 5.0, NOW, Success(is_overflow=True))
    assert after.interval_seconds <= 1_800


def test_a_new_url_in_the_config_starts_afresh() -> None:
    state = a_state(effective_url="http://old.example/", etag=b'"1"', next_poll_at=NOW)
    moved = Feed(id="courier", url="http://new.example/feed", publisher="Elsin Courier")
    after = planning.for_configuration(state, moved)
    assert (after.url, after.etag, after.next_poll_at) == (moved.url, b"", None)
    assert planning.for_configuration(state, FEED) is state


@pytest.mark.slow
def test_entries_are_found_sooner_than_with_other_rules_for_the_same_requests() -> None:
    """A simulation over 10 days: mean and 95th percentile of delays, against two other rules."""
    draw = random.Random(7)
    feeds = [math.exp(draw.gauss(math.log(3 / 24), 1.6)) for _ in range(300)]
    bounds = Bounds(1.0, 1e9)
    demands = [Demand(rate, bounds) for rate in feeds]
    allowed = len(feeds) * 2.0
    kappa = schedule.solve_kappa(demands, allowed)
    ours = [schedule.interval_seconds(kappa, demand) / 3600 for demand in demands]
    uniform = [0.5] * len(feeds)
    share = sum(feeds) / allowed
    inverse = [share / rate for rate in feeds]
    for intervals in (ours, inverse):
        assert sum(1 / interval for interval in intervals) == pytest.approx(allowed, rel=0.02)
    delays = {"ours": [], "uniform": [], "inverse": []}  # type: dict[str, list[float]]
    for place, rate in enumerate(feeds):
        at = 0.0
        while (at := at + draw.expovariate(rate)) < 240:
            for name, intervals in (("ours", ours), ("uniform", uniform), ("inverse", inverse)):
                interval = intervals[place]
                delays[name].append(math.ceil(at / interval) * interval - at)
    mean = {name: sum(values) / len(values) for name, values in delays.items()}
    tail = {name: sorted(values)[int(len(values) * 0.95)] for name, values in delays.items()}
    assert mean["ours"] <= 0.65 * mean["uniform"]
    assert mean["ours"] <= 0.65 * mean["inverse"]
    assert tail["ours"] <= 0.55 * tail["inverse"]
