from __future__ import annotations

from components.model_route import ModelRoute, ModelRouteArgs


def declare(engine, **args):
    plain = {"model": "iris", "namespace": "flowers-test", "labels": {"a": "b"}, "host": "iris.example.com"}
    return engine.run(lambda: ModelRoute("flowers-test/iris", ModelRouteArgs(**plain | args)))


def test_a_host_leads_to_the_models_service_and_knows_no_slot(engine):
    spec = declare(engine).object("Ingress", "iris")["spec"]
    [rule] = spec["rules"]
    assert rule["host"] == "iris.example.com"
    [path] = rule["http"]["paths"]
    assert path["backend"] == {"service": {"name": "iris", "port": {"name": "http"}}}
    assert "blue" not in str(spec)


def test_with_a_certificate_the_route_is_https(engine):
    declared = declare(engine, tls="iris-tls")
    assert declared.object("Ingress", "iris")["spec"]["tls"] == [
        {"hosts": ["iris.example.com"], "secretName": "iris-tls"}
    ]
    assert declared.result.url == "https://iris.example.com/"


def test_without_a_certificate_the_route_is_plain_http(engine):
    declared = declare(engine)
    assert "tls" not in declared.object("Ingress", "iris")["spec"]
    assert declared.result.url == "http://iris.example.com/"
