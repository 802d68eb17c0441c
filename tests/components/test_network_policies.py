"""What a namespace's policies say; that they let through what they should, an independent evaluator judges in
tests/sandbox/tenancy."""

from __future__ import annotations

import pytest

from components.network_policies import Endpoint, Opening, Walls, network_policies

ALWAYS = {"deny-all", "allow-dns", "allow-inside", "allow-serving"}


def namespace(name):
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def test_where_nothing_is_named_there_are_the_walls_that_everybody_has():
    policies = network_policies(Walls())
    assert policies.keys() == ALWAYS
    assert policies["allow-serving"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": "http"}]}]


def test_everything_is_denied_both_ways_whatever_else_is_open():
    walls = Walls(inward=[Opening(namespaces=["a"])], outward=[Opening(cidrs=["10.0.0.0/8"])])
    assert network_policies(walls)["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_a_caller_is_found_by_the_name_of_its_namespace_and_comes_to_the_ports_that_are_named():
    policies = network_policies(Walls(inward=[Opening(namespaces=["a", "b"], ports=[8080, "grpc"])]))
    [rule] = policies["allow-from"]["ingress"]
    assert rule["from"] == [namespace("a"), namespace("b")]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}, {"protocol": "TCP", "port": "grpc"}]
    assert "egress" not in policies["allow-from"]


def test_who_scrapes_reaches_the_port_named_metrics_unless_another_is_named():
    policies = network_policies(
        Walls(metrics=[Opening(namespaces=["monitoring"]), Opening(namespaces=["audit"], ports=[9102])])
    )
    first, second = policies["allow-metrics"]["ingress"]
    assert first["ports"] == [{"protocol": "TCP", "port": "metrics"}]
    assert second["ports"] == [{"protocol": "TCP", "port": 9102}]


def test_named_callers_take_the_place_of_everybody_at_the_served_port():
    policies = network_policies(Walls(serving=[Opening(namespaces=["traefik"]), Opening(cidrs=["10.0.0.0/24"])]))
    assert policies["allow-serving"]["ingress"] == [
        {"from": [namespace("traefik")], "ports": [{"protocol": "TCP", "port": "http"}]},
        {"from": [{"ipBlock": {"cidr": "10.0.0.0/24"}}], "ports": [{"protocol": "TCP", "port": "http"}]},
    ]


def test_nobody_at_all_may_be_named():
    """An empty list of rules lets nobody in; a rule without sources would let everybody in."""
    assert network_policies(Walls(serving=[]))["allow-serving"]["ingress"] == []


def test_a_shared_service_is_open_at_its_pods_alone():
    endpoint = Endpoint(pods={"app": "feast"}, callers=Opening(namespaces=["fraud-prod"], ports=[6566]))
    policy = network_policies(Walls(endpoints={"features": endpoint}))["allow-service-features"]
    assert policy["podSelector"] == {"matchLabels": {"app": "feast"}}
    assert policy["ingress"] == [{"from": [namespace("fraud-prod")], "ports": [{"protocol": "TCP", "port": 6566}]}]


def test_the_way_to_a_shared_service_leads_to_its_pods_alone():
    [rule] = network_policies(Walls(outward=[Opening(namespaces=["f"], pods={"app": "feast"}, ports=[6566])]))[
        "allow-to"
    ]["egress"]
    assert rule["to"] == [{**namespace("f"), "podSelector": {"matchLabels": {"app": "feast"}}}]


@pytest.mark.parametrize(
    ("cidr", "excepted"),
    [
        ("0.0.0.0/0", ["169.254.169.254/32"]),
        ("169.254.0.0/16", ["169.254.169.254/32"]),
        ("::/0", ["fd00:ec2::254/128"]),
        ("10.0.0.0/8", None),
        ("169.254.169.254/32", None),  # who names it means it
    ],
)
def test_a_clouds_metadata_server_is_left_out_of_every_network_on_the_way_out(cidr, excepted):
    policies = network_policies(Walls(outward=[Opening(cidrs=[cidr])], inward=[Opening(cidrs=[cidr])]))
    [out] = policies["allow-to"]["egress"][0]["to"]
    assert out["ipBlock"].get("except") == excepted
    [into] = policies["allow-from"]["ingress"][0]["from"]
    assert "except" not in into["ipBlock"]


def test_an_opening_for_nobody_is_refused_instead_of_letting_everybody_through():
    with pytest.raises(ValueError, match="everybody"):
        network_policies(Walls(inward=[Opening()]))
