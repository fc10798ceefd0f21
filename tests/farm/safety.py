"""Cases 57–66: addresses inside, other schemes, documents that attack the parser."""

from __future__ import annotations

import time

from tests import bombs
from tests.farm.case import Check, Stall, case, channel, feed, item, sent
from tests.farm.drive import Drive
from tests.http_site import redirect


def _inward(number: str, name: str, target: str, kind: str = "address_not_public") -> None:
    @case(number, name, does=f"redirects to {target}", must=f"{kind}; no connection is made")
    def _set_up(stall: Stall) -> Check:
        stall.serve(redirect(target))

        def check(drive: Drive) -> None:
            state = drive.poll(1)
            assert state.last_error_class == kind, state.last_error_text
            assert {one.host for one in drive.asked} == {stall.host}

        return check


_inward("57a", "redirect to loopback", "http://127.0.0.1/latest")
_inward("57b", "redirect to the metadata service", "http://169.254.169.254/latest/meta-data/")
_inward("57c", "redirect to ::1", "http://[::1]/")
_inward("57d", "redirect to a private network", "http://10.20.30.40/feed")
_inward("57e", "redirect to shared address space", "http://100.64.0.1/feed")
_inward("57f", "redirect to multicast", "http://224.0.0.1/feed")
_inward("58a", "hexadecimal address", "http://0x7f.1/")
_inward("58b", "one number as address", "http://2130706433/")
_inward("58c", "digits in circles", "http://①②⑦.0.0.1/".encode().decode())
_inward("58d", "IPv4 in IPv6", "http://[::ffff:127.0.0.1]/")
_inward("58e", "NAT64", "http://[64:ff9b::7f00:1]/")
_inward("58f", "6to4", "http://[2002:7f00:1::]/")
_inward("61a", "redirect to file:", "file:///etc/passwd", "bad_url")
_inward("61b", "redirect to ftp:", "ftp://127.0.0.1/feed", "bad_url")
_inward("61c", "redirect to data:", "data:text/xml,<rss/>", "bad_url")


@case(
    "63",
    "entity bomb",
    does="entities of entities, with the DOCTYPE on the first line",
    must="refused before it is parsed, at once",
)
def _entities(stall: Stall) -> Check:
    stall.serve(sent(bombs.billion_laughs()))

    def check(drive: Drive) -> None:
        began = time.process_time()
        state = drive.poll(1)
        assert state.last_error_class == "parse_failed"
        assert "entit" in state.last_error_text
        assert time.process_time() - began < 1.0

    return check


def _external(number: str, name: str, system: str) -> None:
    @case(number, name, does=f"an entity from {system}", must="not read, not requested")
    def _set_up(stall: Stall) -> Check:
        place = system.replace("HOST", stall.host)
        prolog = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "{place}">]>'
        stall.serve(sent(channel(stall.host, item("flood", stall.host, text="&x;"), prolog=prolog)))
        stall.serve(feed(stall.host, "secret"), "/secret")

        def check(drive: Drive) -> None:
            assert drive.poll(1).last_error_class == "parse_failed"
            assert drive.asked_for("/secret") == []
            assert drive.entries == []

        return check


_external("64a", "external entity, a file", "file:///etc/hostname")
_external("64b", "external entity, a page", "http://HOST/secret")


@case(
    "65", "deep nesting", does="20,000 elements inside each other", must="ends; the entry is taken"
)
def _deep(stall: Stall) -> Check:
    stall.serve(sent(bombs.nested_feed(20_000)))

    def check(drive: Drive) -> None:
        state = drive.poll(1)
        assert state.last_error_class in ("", "parse_failed")

    return check


def _raising(number: str, name: str, reference: str) -> None:
    @case(
        number,
        name,
        does=f"a title with {reference}",
        must="the entries are taken; an oddity, or parse_failed; the stage lives",
    )
    def _set_up(stall: Stall) -> Check:
        bad = item("flood", stall.host, text=f"Water {reference} everywhere")
        stall.serve(sent(channel(stall.host, bad, item("bridge", stall.host))))

        def check(drive: Drive) -> None:
            drive.poll(1)
            assert drive.names == ["bridge", "flood"]

        return check


_raising("66a", "a character beyond Unicode", "&#1114112;")
_raising("66b", "half a surrogate pair", "&#55296;")
_raising("66c", "a number without end", "&#99999999999999999999;")
