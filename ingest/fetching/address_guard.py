"""Decides which IP addresses may be connected to, so that no private one is, in any form."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address

from ingest.errors import ConfigError, ConfigFault
from ingest.settings.options import AddressGuardOptions, AllowedNetwork

_Address = IPv4Address | IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: Networks that `is_global` lets through on CPython 3.11 and that lead inward.
_REFUSED = {
    "6to4": ipaddress.ip_network("2002::/16"),
    "6to4_relay": ipaddress.ip_network("192.88.99.0/24"),
    "v4_compatible": ipaddress.ip_network("::/96"),
    "nat64_local": ipaddress.ip_network("64:ff9b:1::/48"),
    "site_local": ipaddress.ip_network("fec0::/10"),
    "teredo": ipaddress.ip_network("2001::/32"),
}


class AddressGuard:
    """The rule, with the exceptions of the settings: mapped hosts and allowed networks.

    Errors: ConfigError for an invalid address or network.
    """

    def __init__(self, options: AddressGuardOptions) -> None:
        self._hosts = {name.lower(): _place(name, place) for name, place in options.hosts.items()}
        self._allowed = [_network(allowed) for allowed in options.allowed]

    def mapped(self, host: str) -> tuple[str, int] | None:
        """Return the address and port that the settings map a host to, or None.

        Shape: an exact name wins over `*.name`, the longest `*.name` over shorter ones;
        `*.name` is for names below, not for `name` itself.
        """
        name = host.lower().rstrip(".")
        found = self._hosts.get(name)
        while found is None and "." in name:
            name = name.partition(".")[2]
            found = self._hosts.get(f"*.{name}")
        return found

    def is_mapped(self, host: str) -> bool:
        """Return whether the settings map this host to an address of their own."""
        return self.mapped(host) is not None

    def refusal(self, address: str, port: int) -> str:
        """Return why this address may not be connected to, or `""` if it may.

        The port matters for allowed networks only. Errors: none; invalid text is refused as
        `not_an_address`.
        """
        try:
            judged = _unwrapped(ipaddress.ip_address(address.strip("[]").partition("%")[0]))
        except ValueError:
            return "not_an_address"
        if self._is_allowed(judged, port):
            return ""
        return _reason(judged)

    def _is_allowed(self, address: _Address, port: int) -> bool:
        return any(
            address.version == network.version and address in network and wanted in (None, port)
            for network, wanted in self._allowed
        )


def _place(name: str, text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    try:
        return str(ipaddress.ip_address(address.strip("[]"))), int(port)
    except ValueError as error:
        raise _fault(f"hosts.{name}", text, "write address:port, as 127.0.0.1:8080") from error


def _network(allowed: AllowedNetwork) -> tuple[_Network, int | None]:
    try:
        return ipaddress.ip_network(allowed.network, strict=False), allowed.port
    except ValueError as error:
        raise _fault("allowed", allowed.network, "write a network, as 10.20.0.0/16") from error


def _fault(key: str, value: str, remedy: str) -> ConfigError:
    place = f"address_guard.{key}"
    fault = ConfigFault("config/pipeline.yml", None, place, value, "is not understood", remedy)
    return ConfigError([fault])


def _unwrapped(address: _Address) -> _Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _reason(address: _Address) -> str:
    for name, network in _REFUSED.items():
        has_plain_name = address.is_loopback or address.is_unspecified  # ::1 and ::
        if address.version == network.version and address in network and not has_plain_name:
            return name
    for name in ("loopback", "unspecified", "link_local", "multicast", "private", "reserved"):
        if getattr(address, f"is_{name}"):
            return name
    return "" if address.is_global else "not_global"
