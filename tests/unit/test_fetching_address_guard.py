"""Which addresses may be asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ConfigError
from ingest.fetching.address_guard import AddressGuard
from ingest.settings.options import AddressGuardOptions, AllowedNetwork

PLAIN = AddressGuard(AddressGuardOptions())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "0.0.0.0",
        "::",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "203.0.113.9",
        "224.0.0.1",
        "ff02::1",
        "240.0.0.1",
        "255.255.255.255",
        "192.88.99.1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "::7f00:1",
        "fec0::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "[::1]",
    ],
)
def test_an_inward_address_is_refused_however_it_is_written(address: str) -> None:
    assert PLAIN.refusal(address, 80)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_may_be_asked(address: str) -> None:
    assert PLAIN.refusal(address, 443) == ""


@given(st.text())
def test_what_is_no_address_is_refused_and_nothing_is_raised(text: str) -> None:
    AddressGuard(AddressGuardOptions()).refusal(text, 80)
    assert PLAIN.refusal("no" + text, 80) == "not_an_address"


def test_mapped_hosts_are_found_by_name_and_by_wildcard() -> None:
    hosts = {"a.example": "127.0.0.1:1", "*.example": "127.0.0.1:2", "*.b.example": "[::1]:3"}
    guard = AddressGuard(AddressGuardOptions(hosts=hosts))
    assert guard.mapped("A.Example.") == ("127.0.0.1", 1)
    assert guard.mapped("www.a.example") == ("127.0.0.1", 2)
    assert guard.mapped("x.y.b.example") == ("::1", 3)
    assert guard.mapped("example") is None
    assert guard.mapped("a.test") is None


def test_a_mapped_place_is_reached_by_its_name_alone() -> None:
    guard = AddressGuard(AddressGuardOptions(hosts={"a.example": "127.0.0.1:8080"}))
    assert guard.refusal("127.0.0.1", 8080) == "loopback"


def test_an_allowed_network_is_open_at_its_port_only() -> None:
    allowed = [AllowedNetwork(network="10.20.0.0/16", port=80), AllowedNetwork(network="fd00::/8")]
    guard = AddressGuard(AddressGuardOptions(allowed=allowed))
    assert guard.refusal("10.20.3.4", 80) == ""
    assert guard.refusal("::ffff:10.20.3.4", 80) == ""
    assert guard.refusal("10.20.3.4", 443) == "private"
    assert guard.refusal("10.21.0.1", 80) == "private"
    assert guard.refusal("fd12::1", 9999) == ""


@pytest.mark.parametrize(
    "options",
    [
        AddressGuardOptions(hosts={"a.example": "somewhere"}),
        AddressGuardOptions(hosts={"a.example": "127.0.0.1"}),
        AddressGuardOptions(hosts={"a.example": "site.example:80"}),
        AddressGuardOptions(allowed=[AllowedNetwork(network="10.0.0.0/99")]),
    ],
)
def test_an_unreadable_hole_is_refused_at_start(options: AddressGuardOptions) -> None:
    with pytest.raises(ConfigError) as caught:
        AddressGuard(options)
    assert caught.value.faults[0].key.startswith("address_guard.")
    assert caught.value.faults[0].remedy
