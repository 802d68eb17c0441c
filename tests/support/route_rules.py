"""What an API server takes of Gateway API v1.3 (standard channel), of Ingresses and of NetworkPolicies."""

from __future__ import annotations

from object_names import DNS_LABEL, DNS_NAME, LABEL, PATH, SELECTOR, SERVICE_NAME
from strict_schema import each, either, number, one_of, record, text, unique

__all__ = ["GATEWAY", "HTTP_ROUTE", "INGRESS", "NETWORK_POLICY"]

HOST = text(rf"{LABEL}(\.{LABEL})*", 253)
ROUTE_PATH = record(
    needs={
        "type": one_of("PathPrefix"),
        "value": text(r"/(?!.*(//|/\./|/\.\./|%2[fF]|#))(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*", 1024),
    }
)
BACKEND = record(needs={"name": DNS_NAME, "port": number(1, 65535)}, weight=number(0, 1_000_000))
ROUTE_RULE = record(
    needs={"backendRefs": each(BACKEND, 1, 16)},
    matches=each(
        record(
            lambda match: unique(lambda one: one["name"].lower(), "headers")(match.get("headers", [])),
            needs={"path": ROUTE_PATH},
            headers=each(
                record(
                    needs={
                        "type": one_of("Exact"),
                        "name": text(r"[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+", 256),
                        "value": text(r"[\s\S]+", 4096),
                    }
                ),
                1,
                16,
            ),
        ),
        1,
        64,
    ),
    filters=each(
        record(
            needs={
                "type": one_of("RequestMirror"),
                "requestMirror": record(needs={"backendRef": BACKEND}, percent=number(0, 100)),
            }
        ),
        0,
        16,
    ),
    timeouts=record(needs={"request": text(r"([0-9]{1,5}(h|m|s|ms)){1,4}")}),
)
REDIRECT = record(
    needs={
        "filters": each(
            record(
                needs={
                    "type": one_of("RequestRedirect"),
                    "requestRedirect": record(needs={"scheme": one_of("https"), "statusCode": one_of(301)}),
                }
            ),
            1,
        )
    }
)
HTTP_ROUTE = record(
    needs={
        "parentRefs": each(record(needs={"name": DNS_NAME}, namespace=DNS_LABEL, sectionName=DNS_NAME), 1, 32),
        "hostnames": each(HOST, 1, 16),
        "rules": each(either(ROUTE_RULE, REDIRECT), 1, 16),
    }
)
OWN = record(needs={"namespaces": record(needs={"from": one_of("Same")})})
LISTENER = either(
    record(
        needs={"name": DNS_NAME, "protocol": one_of("HTTP"), "port": number(1, 65535)}, hostname=HOST, allowedRoutes=OWN
    ),
    record(
        needs={
            "name": DNS_NAME,
            "protocol": one_of("HTTPS"),
            "port": number(1, 65535),
            "tls": record(
                needs={
                    "mode": one_of("Terminate"),
                    "certificateRefs": each(record(needs={"kind": one_of("Secret"), "name": DNS_NAME}), 1, 64),
                }
            ),
        },
        hostname=HOST,
        allowedRoutes=OWN,
    ),
)
GATEWAY = record(
    lambda spec: unique(lambda one: one["name"], "listeners")(spec["listeners"]),
    lambda spec: unique(lambda one: (one["port"], one.get("hostname")), "listeners")(spec["listeners"]),
    needs={"gatewayClassName": DNS_NAME, "listeners": each(LISTENER, 1, 64)},
)

INGRESS = record(
    needs={
        "rules": each(
            record(
                needs={
                    "host": HOST,
                    "http": record(
                        needs={
                            "paths": each(
                                record(
                                    needs={
                                        "path": PATH,
                                        "pathType": one_of("Prefix"),
                                        "backend": record(
                                            needs={
                                                "service": record(
                                                    needs={
                                                        "name": SERVICE_NAME,
                                                        "port": record(needs={"name": DNS_LABEL}),
                                                    }
                                                )
                                            }
                                        ),
                                    }
                                ),
                                1,
                            )
                        }
                    ),
                }
            ),
            1,
        )
    },
    ingressClassName=DNS_NAME,
    tls=each(record(needs={"hosts": each(HOST, 1), "secretName": DNS_NAME})),
)
NETWORK_POLICY = record(
    needs={
        "podSelector": SELECTOR,
        "policyTypes": each(one_of("Ingress", "Egress"), 1),
    },
    ingress=each(record(needs={})),
    egress=each(record(needs={})),
)
