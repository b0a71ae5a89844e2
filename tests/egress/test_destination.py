"""Addresses that a listed name may not lead to."""

from __future__ import annotations

import ipaddress
import threading

import pytest

from orchestrator.egress import destination
from orchestrator.egress.destination import Destinations, is_inside
from orchestrator.egress.refusal import Refusal
from orchestrator.hosts import AllowList

INSIDE = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
    *("169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "255.255.255.255"),
    *("224.0.0.1", "239.1.1.1", "240.0.0.1", "198.18.0.1", "::", "::1", "fe80::1", "fc00::1"),
    *("fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:0a00:1::1", "2001:db8::1"),
]
OUTSIDE = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_of_this_machine_or_its_networks_is_inside(address):
    assert is_inside(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_internet_is_not(address):
    assert not is_inside(ipaddress.ip_address(address))


@pytest.mark.anyio
async def test_addresses_are_tried_in_order_until_one_answers(monkeypatch):
    found = ["93.184.215.14", "127.0.0.1", "93.184.215.15", "93.184.215.16"]
    monkeypatch.setattr(destination, "_look_up", lambda *_: found)
    tried = []

    async def connect(address: str) -> str:
        tried.append(address)
        if address != "93.184.215.15":
            raise ConnectionRefusedError
        return address

    ways = Destinations(AllowList.of(["a.example"]), destination.anyio.CapacityLimiter(1))
    assert await ways.reach("a.example", 443, connect) == "93.184.215.15"
    assert tried == ["93.184.215.14", "93.184.215.15"]


@pytest.mark.anyio
async def test_a_name_that_is_never_found_does_not_hold_up(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(destination, "_look_up", lambda *_: released.wait(60))
    monkeypatch.setattr(destination, "RESOLVE_SECONDS", 0.05)
    ways = Destinations(AllowList.of(["a.example"]), destination.anyio.CapacityLimiter(1))
    with pytest.raises(Refusal) as refused:
        await ways.reach("a.example", 443, pytest.fail)
    released.set()
    assert refused.value.status == 504
