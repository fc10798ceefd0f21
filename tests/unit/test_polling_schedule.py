"""When feeds are asked: intervals, floors, backoff, and what they cost together."""

from __future__ import annotations

import math
import random
import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ingest.model import Feed
from ingest.polling.schedule import planning
from ingest.polling.schedule.planning import Demand, IntervalBounds, Success
from ingest.polling.schedule.rate import (
    Rate,
    burst_per_hour,
    observed,
    profile_weights,
    seeded,
    slot_of,
)
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
    demands = [Demand(weight, IntervalBounds(1.0, 1e9)) for weight in weights]
    allowed = len(demands) * 60 / minutes
    kappa = planning.solve_kappa(demands, allowed)
    asked = sum(3600 / planning.interval_seconds(kappa, demand) for demand in demands)
    shortest = sum(3600 / demand.bounds.least for demand in demands)
    assert asked == pytest.approx(min(allowed, shortest), rel=0.02)


@given(rates, st.floats(min_value=1, max_value=100))
def test_a_greater_weight_never_lengthens_the_interval(weight: float, factor: float) -> None:
    bounds = IntervalBounds(300.0)
    slow = planning.interval_seconds(1.0, Demand(weight, bounds))
    assert planning.interval_seconds(1.0, Demand(weight * factor, bounds)) <= slow


def test_four_times_the_rate_halves_the_interval() -> None:
    bounds = IntervalBounds(1.0)
    slow = planning.interval_seconds(0.5, Demand(1.0, bounds))
    assert planning.interval_seconds(0.5, Demand(4.0, bounds)) == pytest.approx(slow / 2)


def test_bounds_that_all_feeds_hit_are_kept() -> None:
    demands = [Demand(1.0, IntervalBounds(300.0)) for _ in range(10)]
    kappa = planning.solve_kappa(demands, 1e9)
    assert planning.interval_seconds(kappa, demands[0]) == 300.0
    kappa = planning.solve_kappa(demands, 1e-9)
    assert planning.interval_seconds(kappa, demands[0]) == planning.MAX_INTERVAL_SECONDS


def test_with_a_flat_profile_the_walk_is_the_square_root_rule() -> None:
    demand = Demand(0.3, IntervalBounds(300.0))
    walked = planning.walked_seconds(0.7, demand, (1.0,) * 48, NOW.replace(minute=17))
    assert walked == pytest.approx(planning.interval_seconds(0.7, demand))


def test_a_walk_that_begins_within_an_hour_counts_the_rest_of_it() -> None:
    start = NOW.replace(minute=20, second=30, microsecond=500_000)
    weights = [1.0] * 48
    weights[slot_of(NOW + timedelta(hours=1))] = 4.0
    rest_of_the_hour = 3600 - 1230.5
    at_double_speed = (3600 - rest_of_the_hour) / 2
    for weight, kappa in ((1.0, 1.0), (4.0, 2.0)):
        demand = Demand(weight, IntervalBounds(300.0))
        walked = planning.walked_seconds(kappa, demand, weights, start)
        assert walked == pytest.approx(rest_of_the_hour + at_double_speed, abs=1e-6)


def test_a_walk_ends_at_its_bounds() -> None:
    start = NOW.replace(minute=20)
    flat = (1.0,) * 48
    assert planning.walked_seconds(0.01, Demand(1.0, IntervalBounds(300.0)), flat, start) == 300
    assert planning.walked_seconds(99.0, Demand(1.0, IntervalBounds(300.0)), flat, start) == 86_400
    assert (
        planning.walked_seconds(99.0, Demand(1.0, IntervalBounds(300.0, 4000.0)), flat, start)
        == 4000
    )


def test_a_night_interval_does_not_sleep_through_the_morning() -> None:
    rate = Rate(updated_at=NOW)
    for day in range(10):
        for hour in (7, 8, 9):
            at = datetime(2026, 11, 2 + day, hour, 30, tzinfo=UTC)
            rate = observed(rate, 8, at)
    weights = profile_weights(rate)
    night = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
    demand = Demand(rate.per_hour, IntervalBounds(300.0))
    assert weights[slot_of(night.replace(hour=8))] > 4 * weights[slot_of(night)]
    kappa = 9 * math.sqrt(rate.per_hour)
    flat = planning.walked_seconds(kappa, demand, (1.0,) * 48, night)
    walked = planning.walked_seconds(kappa, demand, weights, night)
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
    assert planning.guarded_seconds(7200, 20, 40) == 900
    assert planning.guarded_seconds(600, 20, 40) == 600
    assert planning.guarded_seconds(600, 0, 40) == 600


def test_ttl_counts_only_when_it_is_plausible() -> None:
    fast = {"ttl_seconds": 86_400.0, "period_seconds": None, "per_hour": 5.0}
    slow = {"ttl_seconds": 7_200.0, "period_seconds": 3_600.0, "per_hour": 0.1}
    assert planning.declared_floor("plausible", **fast) is None  # type: ignore[arg-type]
    assert planning.declared_floor("always", **fast) == (86_400.0, "ttl")  # type: ignore[arg-type]
    assert planning.declared_floor("plausible", **slow) == (7_200.0, "ttl")  # type: ignore[arg-type]
    assert planning.declared_floor("never", **slow) is None  # type: ignore[arg-type]


def test_skipped_hours_and_days_are_left_alone() -> None:
    friday_noon = NOW
    assert planning.after_skips(friday_noon, (12, 13), ()) == NOW.replace(hour=14)
    monday = planning.after_skips(friday_noon, (), (4, 5, 6))
    assert monday == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    assert planning.after_skips(NOW, tuple(range(24)), ()) == NOW


@given(st.floats(min_value=60, max_value=86_400), st.text(max_size=20), st.text(max_size=20))
def test_jitter_stays_within_a_tenth_and_never_changes(
    interval: float, key: str, salt: str
) -> None:
    first = planning.jittered_seconds(interval, key, salt)
    assert interval * 0.9 <= first <= interval * 1.1
    assert planning.jittered_seconds(interval, key, salt) == first


@given(
    st.floats(min_value=60, max_value=86_400),
    st.floats(min_value=0, max_value=30),
    st.floats(min_value=0, max_value=1),
    st.booleans(),
)
def test_a_failing_feed_is_never_asked_more_often_than_a_healthy_one(
    interval: float, score: float, spread: float, is_refused: bool
) -> None:
    wait = planning.backoff_seconds(
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
    def wait_after(failing: timedelta) -> timedelta:
        state = a_state(interval_seconds=600.0, failing_since_at=NOW - failing)
        state = planning.failed(state, FEED, OPTIONS, NOW, "http_404", "HTTP 404")
        assert state.failing_since_at == NOW - failing
        assert state.next_poll_at is not None
        return state.next_poll_at - NOW

    month = timedelta(days=30)
    assert wait_after(month + timedelta(seconds=1)) == timedelta(days=7)
    assert wait_after(month) <= timedelta(days=1)
    assert wait_after(timedelta()) <= timedelta(days=1)


def test_a_feed_that_is_gone_is_asked_again_after_30_days() -> None:
    state = planning.failed(a_state(interval_seconds=600.0), FEED, OPTIONS, NOW, "http_410", "gone")
    assert state.next_poll_at == NOW + timedelta(days=30)
    assert state.gone_since_at == NOW
    later = NOW + timedelta(days=30)
    state = planning.failed(state, FEED, OPTIONS, later, "http_410", "gone")
    assert state.next_poll_at == later + timedelta(days=30)
    assert (state.gone_since_at, state.failing_since_at) == (NOW, NOW)
    back = planning.succeeded(state, FEED, OPTIONS, 1.0, later, Success())
    assert (back.gone_since_at, back.failing_since_at, back.last_error_class) == (None, None, "")


def test_a_feed_that_robots_txt_forbids_is_looked_at_daily() -> None:
    state = a_state(interval_seconds=600.0)
    state = planning.failed(state, FEED, OPTIONS, NOW, "robots_disallowed", "forbidden")
    assert state.next_poll_at == NOW + timedelta(days=1)
    assert state.gone_since_at is None


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
    bounds = IntervalBounds(1.0, 1e9)
    demands = [Demand(rate, bounds) for rate in feeds]
    allowed = len(feeds) * 2.0
    kappa = planning.solve_kappa(demands, allowed)
    ours = [planning.interval_seconds(kappa, demand) / 3600 for demand in demands]
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


# ── the state of a feed after each thing that can happen ────────────────────────────────────


def test_a_new_url_forgets_what_the_old_one_taught_and_keeps_what_is_the_feeds_own() -> None:
    about_the_old_url = {
        "effective_url": "http://moved.example/",
        "etag": b'"1"',
        "last_modified": b"then",
        "validator_mode": "etag",
        "validators_are_trusted": False,
        "body_sha256": "ab",
        "redirect_target": "http://other.example/",
        "redirect_first_seen_at": NOW,
        "next_poll_at": NOW,
        "failure_score": 3.0,
        "failing_since_at": NOW,
        "last_error_class": "http_410",
        "gone_since_at": NOW,
        "retry_after_until_at": NOW,
        "duplicate_of": "sund-post",
    }
    own = {"rate": Rate(entries=3.0, hours=9.0, updated_at=NOW), "pending": {"ab": 1}}
    moved = replace(FEED, url="http://new.example/feed")
    after = planning.for_configuration(a_state(**about_the_old_url, **own), moved)
    assert after == replace(a_state(**own), configured_url=moved.url)


def test_a_success_forgets_failures_and_notes_its_floor() -> None:
    failing = a_state(
        failure_score=2.0,
        failing_since_at=NOW,
        last_error_class="http_410",
        last_error_text="gone",
        gone_since_at=NOW,
        retry_after_until_at=NOW,
        rest_count=2,
    )
    after = planning.succeeded(failing, FEED, OPTIONS, 0.5, NOW, Success(cache_floor=9_000))
    interval = planning.planned_interval(FEED, failing, OPTIONS, 0.5, NOW, Success())
    assert after == a_state(
        last_success_at=NOW,
        next_poll_at=after.next_poll_at,
        interval_seconds=interval,
        floor_seconds=9_000.0,
        floor_reason="Cache-Control",
    )


def test_a_success_waits_for_hours_that_are_skipped() -> None:
    state = a_state(skip_hours=tuple(range(12, 20)))
    after = planning.succeeded(state, FEED, OPTIONS, 0.001, NOW, Success())
    assert after.next_poll_at == NOW.replace(hour=20)
    weekend = a_state(skip_days=(4, 5, 6))
    after = planning.succeeded(weekend, FEED, OPTIONS, 0.001, NOW, Success())
    assert after.next_poll_at == datetime(2026, 11, 23, tzinfo=UTC)


def test_the_highest_floor_counts_and_the_cache_can_be_passed_over() -> None:
    state = a_state(ttl_minutes=240.0, update_period_seconds=7_200.0)
    slow = replace(state, rate=Rate(hours=1_000.0, updated_at=NOW))

    def floor(feed: Feed, cache: float) -> tuple[float, str]:
        after = planning.succeeded(slow, feed, OPTIONS, 0.001, NOW, Success(cache_floor=cache))
        return after.floor_seconds, after.floor_reason

    assert floor(FEED, 3_600) == (14_400.0, "ttl")
    assert floor(FEED, 20_000) == (20_000.0, "Cache-Control")
    assert floor(replace(FEED, ignore_http_cache=True), 20_000) == (14_400.0, "ttl")
    assert floor(replace(FEED, respect_ttl="never"), 0) == (0.0, "")
    assert planning.declared_floor(
        "plausible", ttl_seconds=0.0, period_seconds=5_400.0, per_hour=0.1
    ) == (5_400.0, "sy:updatePeriod")


def test_a_ttl_is_believed_while_less_than_one_entry_is_expected_within_it() -> None:
    def is_believed(per_hour: float) -> bool:
        named = {"ttl_seconds": 7_200.0, "period_seconds": None, "per_hour": per_hour}
        return planning.declared_floor("plausible", **named) is not None  # type: ignore[arg-type]

    assert [is_believed(rate) for rate in (0.4999, 0.5, 0.75)] == [True, False, False]


def test_a_failure_notes_what_it_was_and_since_when() -> None:
    state = a_state(interval_seconds=600.0, failure_score=1.004, last_error_class="timeout")
    after = planning.failed(state, FEED, OPTIONS, NOW, "http_404", "x" * 301)
    assert (after.failure_score, after.failing_since_at) == (1.5, NOW)
    assert (after.last_error_class, after.last_error_text) == ("http_404", "x" * 300)
    again = planning.failed(after, FEED, OPTIONS, NOW + timedelta(hours=1), "new_class", "y")
    assert (again.failure_score, again.failing_since_at) == (2.0, NOW)


def test_a_first_failure_waits_from_half_to_the_whole_of_the_doubled_base() -> None:
    never_asked = planning.failed(a_state(), FEED, OPTIONS, NOW, "of_no_known_class", "")
    assert never_asked.next_poll_at is not None
    least = OPTIONS.min_interval_seconds
    assert least <= (never_asked.next_poll_at - NOW).total_seconds() <= least * 2**0.5
    refused = planning.failed(a_state(interval_seconds=60.0), FEED, OPTIONS, NOW, "http_403", "")
    assert refused.next_poll_at is not None
    assert refused.next_poll_at - NOW >= timedelta(hours=6)


@pytest.mark.parametrize(("spread", "wait"), [(0.0, 1200.0), (0.5, 1800.0), (1.0, 2400.0)])
def test_the_jitter_of_a_backoff_fills_its_upper_half(spread: float, wait: float) -> None:
    found = planning.backoff_seconds(300.0, 3.0, is_refused=False, spread=spread, least=300.0)
    assert found == wait


def test_a_feed_that_is_told_to_wait_rests_and_counts_it() -> None:
    state = a_state(rest_count=1, failure_score=1.0, etag=b'"1"')
    after = planning.rested(state, FEED, NOW, 7_200.0, "m" * 301)
    until = after.next_poll_at
    assert until is not None
    assert timedelta(hours=2) <= until - NOW <= timedelta(hours=3)
    assert after == replace(
        state,
        next_poll_at=until,
        retry_after_until_at=until,
        rest_count=2,
        last_error_class="rate_limited",
        last_error_text="m" * 300,
    )
    assert planning.rested(state, FEED, NOW, 7_200.0, "").next_poll_at == until
    other = replace(FEED, id="sund-post")
    assert planning.rested(state, other, NOW, 7_200.0, "").next_poll_at != until
    later = NOW + timedelta(seconds=1)
    assert planning.rested(state, FEED, later, 7_200.0, "").next_poll_at != until + (later - NOW)
    unexplained = planning.rested(state, FEED, NOW, None, "").next_poll_at
    assert unexplained is not None
    assert timedelta(minutes=30) <= unexplained - NOW <= timedelta(minutes=60)


def test_bounds_are_those_of_the_feed_within_those_of_all() -> None:
    feed = replace(FEED, min_interval_minutes=30, max_interval_minutes=120)
    assert planning.bounds_of(feed, OPTIONS) == (1_800.0, 7_200.0)
    assert planning.bounds_of(replace(feed, min_interval_minutes=240), OPTIONS) == (14_400, 14_400)
    rare = replace(FEED, min_interval_minutes=0.01, max_interval_minutes=9_999)
    assert planning.bounds_of(rare, OPTIONS) == (OPTIONS.min_interval_seconds, 86_400.0)
    assert planning.demand(replace(FEED, priority=3), 2.0, OPTIONS).weight == 6.0
    assert planning.demand(replace(FEED, priority=0), 2.0, OPTIONS).weight == 1e-6


def test_a_burst_shortens_the_interval_of_a_quiet_feed_alone() -> None:
    state = a_state(rate=Rate(hours=1_000.0, updated_at=NOW))
    urgent = replace(FEED, priority=4)
    quiet = planning.planned_interval(urgent, state, OPTIONS, 0.5, NOW)
    burst = planning.planned_interval(
        urgent, state, OPTIONS, 0.5, NOW, Success(burst_per_hour=0.25)
    )
    assert quiet > 10 * 1_800
    assert burst == pytest.approx(1_800.0)  # κ / √(4 · 0.25) hours


def test_the_loss_guard_needs_a_window_and_a_rate() -> None:
    assert planning.guarded_seconds(7_200, 1, 1.0) == 1_800
    assert planning.guarded_seconds(7_200, 1, 0.5) == 3_600
    assert planning.guarded_seconds(7_200, 20, 0.0) == 7_200
    assert planning.guarded_seconds(7_200, -1, 9.0) == 7_200


def test_skipped_time_ends_at_a_full_hour_and_a_feed_that_skips_all_days_skips_none() -> None:
    at = NOW.replace(minute=40, second=20, microsecond=7)
    assert planning.after_skips(at, (12,), ()) == NOW.replace(hour=13)
    assert planning.after_skips(at, (12, 14), ()) == NOW.replace(hour=13)
    assert planning.after_skips(at, (), tuple(range(7))) == at
    assert planning.after_skips(at, (11,), (0,)) == at


# ── rates ───────────────────────────────────────────────────────────────────────────────────


def test_counts_halve_in_two_weeks() -> None:
    rate = Rate(entries=8.0, hours=100.0, updated_at=NOW)
    after = observed(rate, 3, NOW + timedelta(days=14))
    assert (after.entries, after.hours) == (4.0 + 3, 50.0 + 336)
    assert after.updated_at == NOW + timedelta(days=14)
    back = observed(rate, 1, NOW - timedelta(days=1))  # a clock that was set back
    assert (back.entries, back.hours) == (9.0, 100.0)
    assert observed(Rate(), 5, NOW) == Rate(updated_at=NOW)
    assert Rate(entries=3.5, hours=2.0).per_hour == 0.4


def test_a_profile_counts_each_entry_in_its_hour() -> None:
    rate = observed(Rate(updated_at=NOW), 5, NOW + timedelta(hours=1))
    assert struct.unpack("<48e", rate.profile) == tuple(
        5.0 if slot == 13 else 0.0 for slot in range(48)
    )
    assert observed(rate, 0, NOW + timedelta(hours=1, seconds=1)).profile == rate.profile
    later = observed(rate, 0, NOW + timedelta(hours=1, days=14))
    assert max(struct.unpack("<48e", later.profile)) == 2.5
    assert observed(Rate(updated_at=NOW), 0, NOW + timedelta(days=9)).profile == b""
    flood = observed(rate, 100_000, NOW + timedelta(hours=1))
    assert max(struct.unpack("<48e", flood.profile)) == 60_000.0


def test_a_seed_takes_dates_of_two_weeks_and_at_least_an_hour() -> None:
    two_weeks = timedelta(days=14)
    dates = [NOW - two_weeks - timedelta(seconds=1), NOW + timedelta(seconds=1)]
    assert seeded(dates, NOW) == Rate(updated_at=NOW)
    both_ends = seeded([*dates, NOW, NOW - two_weeks], NOW)
    assert (both_ends.entries, both_ends.hours, both_ends.updated_at) == (2.0, 336.0, NOW)
    assert sum(struct.unpack("<48e", both_ends.profile)) == 2.0
    assert seeded([NOW - timedelta(minutes=6)], NOW).hours == 1.0


def test_a_burst_is_believed_from_five_entries_on() -> None:
    assert burst_per_hour(4, 60) == 0.0
    assert burst_per_hour(5, 1_800) == 10.0
    assert burst_per_hour(5, 7_200) == 2.5
    assert burst_per_hour(5, 0) == 300.0


def test_a_success_waits_its_interval_spread_by_feed_and_minute() -> None:
    def wait(feed_id: str = "courier", minute: int = 0) -> float:
        now = NOW + timedelta(minutes=minute)
        feed = replace(FEED, id=feed_id)
        after = planning.succeeded(a_state(), feed, OPTIONS, 0.5, now, Success())
        assert after.next_poll_at is not None
        waited = (after.next_poll_at - now).total_seconds()
        assert 0.9 * after.interval_seconds <= waited <= 1.1 * after.interval_seconds
        assert waited > OPTIONS.min_interval_seconds
        return waited

    assert wait() == wait()
    assert len({wait(), wait("sund-post"), wait(minute=1)}) == 3


def test_an_overflow_halves_the_last_interval_exactly() -> None:
    state = a_state(interval_seconds=3_600.0)
    after = planning.succeeded(state, FEED, OPTIONS, 5.0, NOW, Success(is_overflow=True))
    assert after.interval_seconds == 1_800
    first = planning.planned_interval(FEED, a_state(), OPTIONS, 0.5, NOW)
    halved = planning.planned_interval(
        FEED, a_state(), OPTIONS, 0.5, NOW, Success(is_overflow=True)
    )
    assert halved == first / 2


def test_failures_weigh_by_their_class_and_wait_by_feed_and_second() -> None:
    def failed(error_class: str, feed_id: str = "courier", second: int = 0) -> FeedState:
        now, feed = NOW + timedelta(seconds=second), replace(FEED, id=feed_id)
        state = a_state(interval_seconds=600.0, failure_score=2.0, failing_since_at=NOW)
        return planning.failed(state, feed, OPTIONS, now, error_class, "")

    scores = [failed(one).failure_score for one in ("http_410", "dns_temporary", "rate_limited")]
    assert scores == [3.0, 2.25, 2.0]
    waits = {
        (failed("timeout", feed_id, second).next_poll_at or NOW) - timedelta(seconds=second)
        for feed_id, second in (("courier", 0), ("sund-post", 0), ("courier", 1))
    }
    assert len(waits) == 3


def test_an_update_period_is_a_floor_of_its_own() -> None:
    slow = a_state(update_period_seconds=7_200.0, rate=Rate(hours=1_000.0, updated_at=NOW))
    after = planning.succeeded(slow, FEED, OPTIONS, 0.001, NOW, Success())
    assert (after.floor_seconds, after.floor_reason) == (7_200.0, "sy:updatePeriod")


def test_rates_are_kept_to_four_places() -> None:
    rate = observed(Rate(entries=1.0, hours=1.0, updated_at=NOW), 0, NOW + timedelta(days=1))
    assert (rate.entries, rate.hours) == (0.9517, 24.9517)
    assert seeded([NOW - timedelta(hours=3, seconds=1)], NOW).hours == 3.0003
