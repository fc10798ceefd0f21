"""The partition of a key, the same on every log."""

from __future__ import annotations

import struct
from functools import lru_cache

_MULTIPLIER = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit murmur2 hash of these bytes as an unsigned number.

    Source: Austin Appleby's MurmurHash2 with the seed of Kafka's Java client, so that every Kafka
    client assigns a key to the same partition.
    """
    length = len(data)
    whole = length & ~3
    state = (_SEED ^ length) & _MASK
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        word = (word * _MULTIPLIER) & _MASK
        word ^= word >> 24
        word = (word * _MULTIPLIER) & _MASK
        state = ((state * _MULTIPLIER) & _MASK) ^ word
    rest = data[whole:]
    if rest:
        state ^= int.from_bytes(rest, "little")
        state = (state * _MULTIPLIER) & _MASK
    state ^= state >> 13
    state = (state * _MULTIPLIER) & _MASK
    return state ^ (state >> 15)


@lru_cache(maxsize=65_536)
def partition_for(key: str, partitions: int) -> int:
    """Return the partition of a key, from 0 to `partitions` - 1.

    Errors: UnicodeEncodeError if the key cannot be encoded as UTF-8.
    Source: Kafka's default partitioner.
    """
    return (murmur2(key.encode("utf-8")) & 0x7FFFFFFF) % partitions
