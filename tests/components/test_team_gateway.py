from __future__ import annotations

import pytest

from components.team_gateway import Certificate, TeamGateway, TeamGatewayArgs


@pytest.fixture
def gateway(engine):
    def declare(**changes):
        args = {"namespace": "flowers-test", "labels": {"a": "b"}, "class_name": "traefik"}
        return engine.run(lambda: TeamGateway("flowers", TeamGatewayArgs(**args | changes)))

    return declare


def listeners(declared):
    return {listener["name"]: listener for listener in declared.object("Gateway", "models")["spec"]["listeners"]}


def test_a_team_without_certificates_has_one_listener_for_all_hosts(gateway):
    declared = gateway()
    assert declared.object("Gateway", "models")["spec"]["gatewayClassName"] == "traefik"
    own = {"namespaces": {"from": "Same"}}
    assert listeners(declared) == {"http": {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": own}}


def test_a_host_with_a_certificate_has_a_listener_of_its_own_and_plain_requests_are_sent_there(gateway):
    declared = gateway(hosts={"iris.example.com": Certificate(secret="iris-tls")})
    listener = listeners(declared)["iris.example.com"]
    assert (listener["protocol"], listener["port"], listener["hostname"]) == ("HTTPS", 443, "iris.example.com")
    assert listener["tls"] == {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "iris-tls"}]}
    redirect = declared.object("HTTPRoute", "iris.example.com")["spec"]
    assert redirect["parentRefs"] == [{"name": "models", "sectionName": "http"}]
    [rule] = redirect["rules"]
    assert rule["filters"][0]["requestRedirect"] == {"scheme": "https", "statusCode": 301}
    assert "backendRefs" not in rule


def test_the_issuer_stands_on_the_gateway(gateway):
    plain = gateway(hosts={"a.example.com": Certificate(secret="a")})
    issued = gateway(hosts={"a.example.com": Certificate(secret="a", issuer="letsencrypt")})
    key = "cert-manager.io/cluster-issuer"
    assert key not in plain.object("Gateway", "models")["metadata"]["annotations"]
    assert issued.object("Gateway", "models")["metadata"]["annotations"][key] == "letsencrypt"


@pytest.mark.parametrize("other", [None, "private-ca"])
def test_two_issuers_behind_one_gateway_are_refused(other):
    hosts = {
        "a.example.com": Certificate(secret="a", issuer="letsencrypt"),
        "b.example.com": Certificate(secret="b", issuer=other),
    }
    with pytest.raises(ValueError, match="one issuer, or none has any"):
        TeamGatewayArgs(namespace="flowers-test", labels={}, class_name="traefik", hosts=hosts)


def test_a_gateway_has_room_for_so_many_hosts():
    def args(count):
        hosts = {f"h{number}.example.com": Certificate(secret="s") for number in range(count)}
        return TeamGatewayArgs(namespace="flowers-test", labels={}, class_name="traefik", hosts=hosts)

    assert len(args(63).hosts) == 63
    with pytest.raises(ValueError, match="at most 63 https hosts"):
        args(64)


def test_a_gateway_that_runs_in_the_namespace_is_not_walled_in(gateway):
    spec = gateway().object("NetworkPolicy", "allow-gateway")["spec"]
    assert spec["podSelector"]["matchLabels"] == {"gateway.networking.k8s.io/gateway-name": "models"}
    assert spec["ingress"] == spec["egress"] == [{}]
