from __future__ import annotations

import pytest

from components.model_route import (
    Backend,
    GatewayVia,
    HeaderMatch,
    IngressVia,
    Mirror,
    ModelRoute,
    ModelRouteArgs,
)

OURS = GatewayVia(name="models", namespace="flowers-test", class_name="traefik")
SHARED = GatewayVia(name="public", namespace="gateways")
CANARY = (Backend(service="iris", weight=90), Backend(service="iris-green", weight=10))


def declare(engine, **args):
    plain = {"model": "iris", "namespace": "flowers-test", "labels": {"a": "b"}, "host": "iris.example.com"}
    return engine.run(lambda: ModelRoute("flowers-test/iris", ModelRouteArgs(**plain | args)))


def route(engine, **args):
    return declare(engine, via=args.pop("via", OURS), **args).object("HTTPRoute", "iris")["spec"]


def test_a_host_leads_to_the_models_service_and_knows_no_slot(engine):
    spec = route(engine)
    assert spec == {
        "parentRefs": [{"name": "models", "sectionName": "http"}],
        "hostnames": ["iris.example.com"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": "iris", "port": 80}],
            }
        ],
    }


def test_a_host_with_a_certificate_is_served_by_its_own_listener_alone(engine):
    [parent] = route(engine, tls="iris-tls")["parentRefs"]
    assert parent == {"name": "models", "sectionName": "iris.example.com"}


def test_a_gateway_that_exists_is_named_with_its_namespace_and_matches_by_host(engine):
    assert route(engine, via=SHARED, tls="x")["parentRefs"] == [{"name": "public", "namespace": "gateways"}]


def test_a_canary_gets_its_share_by_weight(engine):
    [rule] = route(engine, backends=CANARY)["rules"]
    assert rule["backendRefs"] == [
        {"name": "iris", "port": 80, "weight": 90},
        {"name": "iris-green", "port": 80, "weight": 10},
    ]


def test_requests_with_a_header_go_to_the_canary_and_are_not_copied(engine):
    match = HeaderMatch(headers={"x-tester": "1", "x-area": "eu"}, service="iris-green")
    mirror = Mirror(service="iris-green", percent=5)
    first, second = route(engine, matches=[match], mirror=mirror, path="/iris")["rules"]
    [asked] = first["matches"]
    assert asked["path"] == {"type": "PathPrefix", "value": "/iris"}
    assert asked["headers"] == [
        {"type": "Exact", "name": "x-area", "value": "eu"},
        {"type": "Exact", "name": "x-tester", "value": "1"},
    ]
    assert first["backendRefs"] == [{"name": "iris-green", "port": 80}]
    assert "filters" not in first
    assert second["filters"] == [
        {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "iris-green", "port": 80}, "percent": 5}}
    ]


def test_copying_everything_needs_no_share(engine):
    [rule] = route(engine, mirror=Mirror(service="iris-green", percent=100))["rules"]
    assert "percent" not in rule["filters"][0]["requestMirror"]


def test_every_rule_has_the_timeout_and_the_retries(engine):
    match = HeaderMatch(headers={"x-tester": "1"}, service="iris-green")
    rules = route(engine, matches=[match], timeout=30, retries=2)["rules"]
    assert [rule["timeouts"] for rule in rules] == [{"request": "30s"}] * 2
    assert [rule["retry"] for rule in rules] == [{"attempts": 2, "codes": [502, 503, 504]}] * 2


def test_what_is_not_asked_for_is_left_to_the_gateway(engine):
    [rule] = route(engine)["rules"]
    assert rule.keys() == {"matches", "backendRefs"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backends": (Backend(service="iris", weight=0),)}, "every backend has weight 0"),
        ({"matches": [HeaderMatch(headers={}, service="iris-green")]}, "would match everything"),
        ({"timeout": 100_000}, "route.timeout: 100000 s is not within 1 to 99999 s"),
        ({"timeout": 0}, "route.timeout: 0 s"),
        ({"issuer": "letsencrypt"}, "no tls Secret"),
    ],
)
def test_what_no_gateway_can_do_is_refused(engine, changes, message):
    with pytest.raises(ValueError, match=message):
        route(engine, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timeout": 3}, "timeout"),
        ({"retries": 1}, "retries"),
        ({"backends": CANARY}, "weights"),
        ({"matches": [HeaderMatch(headers={"a": "b"}, service="x")]}, "header matches"),
        ({"mirror": Mirror(service="x", percent=1), "retries": 2}, "retries, mirroring"),
    ],
)
def test_what_an_ingress_has_no_field_for_is_refused(engine, changes, message):
    with pytest.raises(ValueError, match=f"an Ingress has no field for {message}; a Gateway has"):
        declare(engine, **changes)


def test_a_route_can_be_guarded(engine):
    async def gate(_) -> None:
        raise AssertionError("not asked while declaring")

    declared = declare(engine, via=OURS, gate=gate)
    name = "route:flowers-test/iris"
    assert declared.objects()["HTTPRoute", "iris"].hooks == {"before_create": (name,), "before_update": (name,)}
    assert declared.hooks[name].opts.on_dry_run is True


def test_an_ingress_leads_to_the_models_service_and_knows_no_slot(engine):
    spec = declare(engine, path="/iris").object("Ingress", "iris")["spec"]
    [rule] = spec["rules"]
    assert rule["host"] == "iris.example.com"
    backend = {"service": {"name": "iris", "port": {"name": "http"}}}
    assert rule["http"]["paths"] == [{"path": "/iris", "pathType": "Prefix", "backend": backend}]
    assert spec.keys() == {"rules"}


def test_an_ingress_has_the_class_and_the_certificate_it_is_given(engine):
    declared = declare(engine, via=IngressVia(class_name="nginx"), tls="iris-tls", issuer="letsencrypt")
    ingress = declared.object("Ingress", "iris")
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["iris.example.com"], "secretName": "iris-tls"}]
    assert ingress["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "letsencrypt"


@pytest.mark.parametrize("via", [OURS, IngressVia()])
def test_an_issuers_challenge_reaches_the_pod_that_answers_it(engine, via):
    declared = declare(engine, via=via, tls="iris-tls", issuer="letsencrypt")
    spec = declared.object("NetworkPolicy", "iris-challenge")["spec"]
    assert spec["podSelector"] == {"matchLabels": {"acme.cert-manager.io/http01-solver": "true"}}
    assert spec["ingress"] == [{}]


@pytest.mark.parametrize("via", [OURS, SHARED, IngressVia()])
@pytest.mark.parametrize(
    ("tls", "path", "url"),
    [(None, "/", "http://iris.example.com/"), ("iris-tls", "/iris", "https://iris.example.com/iris")],
)
def test_the_address_is_known_before_anything_runs(engine, via, tls, path, url):
    assert declare(engine, via=via, tls=tls, path=path).result.url == url
