"""Partitions are those of Kafka's own clients."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import murmur2 as kafka_murmur2

from ingest.partition import murmur2, partition_for


@given(st.binary(max_size=70))
def test_the_hash_is_that_of_the_kafka_client(data: bytes):
    assert murmur2(data) == kafka_murmur2(data) & 0xFFFFFFFF


def test_a_key_has_the_partition_that_kafka_gives_it():
    for number in range(1000):
        key = f"{number}.example"
        expected = (kafka_murmur2(key.encode()) & 0x7FFFFFFF) % 12
        assert partition_for(key, 12) == expected


def test_keys_spread_over_all_partitions():
    counts = [0] * 12
    for number in range(12_000):
        counts[partition_for(f"{number:032x}", 12)] += 1
    assert min(counts) > 800


def test_half_a_surrogate_pair_has_no_partition():
    with pytest.raises(UnicodeEncodeError):
        partition_for("\ud800", 12)
