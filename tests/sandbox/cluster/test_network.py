from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest

from sandbox.cluster import ClusterError, network
from sandbox.cluster.network import chosen_network


@pytest.fixture
def routes(monkeypatch):
    """The machine's routes, as the test wants them."""

    def are(*destinations):
        found = [{"dst": "default", "dev": "eth0"}, *({"dst": text, "dev": "eth0"} for text in destinations)]
        monkeypatch.setattr(network, "_routes", lambda: found)

    return are


def test_a_network_touches_no_route_of_the_machine(tmp_path, routes):
    routes("10.0.0.0/9", "10.128.0.0/10", "10.200.3.0/24")
    chosen = chosen_network(tmp_path / "network.json", "mlp-1")
    block = ipaddress.ip_network(chosen.block)
    assert block.subnet_of(ipaddress.ip_network("10.192.0.0/10")) or block.subnet_of(
        ipaddress.ip_network("172.16.0.0/12")
    )
    assert not block.overlaps(ipaddress.ip_network("10.200.3.0/24"))


def test_a_network_is_remembered(tmp_path, routes):
    routes()
    first = chosen_network(tmp_path / "network.json", "mlp-1")
    routes(first.block)
    assert chosen_network(tmp_path / "network.json", "mlp-1") == first


def test_all_who_ask_at_the_same_moment_get_the_same_network(tmp_path, monkeypatch):
    """The cluster and the Docker engine beside it start at once, in threads of one command."""
    together = Barrier(2)

    def routes():
        # The other is here too, or kept waiting until this one has chosen.
        with suppress(BrokenBarrierError):
            together.wait(0.2)
        return []

    monkeypatch.setattr(network, "_routes", routes)
    for attempt in range(5):
        together.reset()
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(chosen_network, tmp_path / f"{attempt}.json", "mlp-1") for _ in range(8)]
        assert len({each.result() for each in asked}) == 1


def test_two_sandboxes_that_start_at_once_choose_apart(tmp_path, routes):
    routes()
    blocks = {chosen_network(tmp_path / f"{name}.json", name).block for name in ("mlp-1a2b3c4d", "mlp-4d3c2b1a")}
    assert len(blocks) == 2


def test_a_machine_without_a_free_network_is_told_what_to_do(tmp_path, routes):
    routes("10.0.0.0/8", "172.16.0.0/12")
    with pytest.raises(ClusterError, match="SANDBOX_NODES=simulated"):
        chosen_network(tmp_path / "network.json", "mlp-1")


def test_the_parts_of_a_network_do_not_overlap(tmp_path, routes):
    routes()
    chosen = chosen_network(tmp_path / "network.json", "mlp-1")
    parts = [ipaddress.ip_network(text) for text in chosen.ranges]
    assert not any(a.overlaps(b) for a in parts for b in parts if a is not b)
    assert ipaddress.ip_address(chosen.node) in parts[0]
    assert ipaddress.ip_address(chosen.dns) in parts[1]
