"""References that lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.rules.environment import SLOT
from policies.rules.option import Option
from policies.rules.pods import POD_KINDS
from policies.rules.rule import Finding, stack_rule
from policies.rules.sizes import scalers
from policies.rules.stack import selects
from policies.rules.unknown import UNKNOWN, items, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.rules.objects import Object
    from policies.rules.stack import Stack

__all__ = ["dangling_references"]

_PODS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors"
_ROUTES = ("HTTPRoute", "GRPCRoute")
# Custom resources of these groups make no pods that a Service of the stack could mean, but for these kinds.
_MAKERS = ("Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler")
_PODLESS = (".k8s.io", "cert-manager.io", "keda.sh", "monitoring.coreos.com", "karpenter.sh")


@stack_rule(
    id="dangling-references",
    severity="high",
    reason="What selects nothing does nothing, and nobody is told: no traffic, no scaling, no protection",
    remedy="Name an object of the stack, or pods by the labels of their template; exempt what is made elsewhere.",
    source=_PODS,
    kinds=("Service", "Ingress", *_ROUTES, "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"),
    options={
        "elsewhere": Option(
            type=list[str],
            default=["acme.cert-manager.io/http01-solver", "gateway.networking.k8s.io/gateway-name"],
            says="labels of pods that others make, and the stack does not declare: cert-manager's solvers and a"
            " gateway's proxies by default",
        )
    },
)
def dangling_references(stack: Stack, *, elsewhere: list[str]) -> Iterator[Finding]:
    """No Service, Ingress, route, autoscaler, disruption budget or network policy names what the stack has not.

    In a namespace with custom resources of which nothing is known, selectors are not judged: an operator may make pods.
    Nor is a network policy in a namespace without pods of the stack: its walls stand for those that its team brings.
    """
    if not stack.complete:
        return
    for scaler in scalers(stack):
        if scaler.name and scaler.kind in POD_KINDS and stack.named(*scaler.target) is None:
            yield Finding(
                path="spec.scaleTargetRef",
                found=f"the stack has no {scaler.kind} {scaler.name}",
                unknown=scaler.name is UNKNOWN,
                about=scaler.object,
            )
    for each in stack.of("Service", "PodDisruptionBudget", "NetworkPolicy"):
        yield from _selecting(stack, each, elsewhere)
    for each in stack.of("Ingress", *_ROUTES):
        yield from _serving(stack, each)


def _selecting(stack: Stack, each: Object, elsewhere: list[str]) -> Iterator[Finding]:
    path = "spec.podSelector" if each.kind == "NetworkPolicy" else "spec.selector"
    selector = look(each.manifest, *path.split("."))
    if each.kind == "Service" and selector is not UNKNOWN:
        # A Service without a selector has its endpoints from somewhere else; that of an empty slot is there for the
        # next version.
        waits = each.group != "" or SLOT in each.labels
        selector = {"matchLabels": selector} if selector and not waits else None
    if not selector or _keys(selector) & set(elsewhere) or _operated(stack, each.namespace):
        return
    unknown = selector is UNKNOWN
    pods = list(stack.pods(each.namespace))
    if not pods and each.kind == "NetworkPolicy":
        return
    for _, labels in pods:
        answer = selects(selector, labels)
        if answer:
            return
        unknown = unknown or answer is None
    yield Finding(path=path, found="selects no pods of the stack", unknown=unknown, about=each)


def _keys(selector: Any) -> set[str]:
    wanted = look(selector, "matchLabels")
    return set(wanted if isinstance(wanted, dict) else ()) | {
        str(look(expression, "key")) for expression in items(look(selector, "matchExpressions"))
    }


def _operated(stack: Stack, namespace: str) -> bool:
    """Tell whether a namespace has custom resources that may make pods."""
    return stack.kept(
        ("operated", namespace),
        lambda: any(
            "." in each.group
            and (each.kind in _MAKERS or not each.group.endswith(_PODLESS))
            and each.kind not in POD_KINDS
            for each in stack.within(namespace)
        ),
    )


def _serving(stack: Stack, each: Object) -> Iterator[Finding]:
    for path, name in _backends(each):
        if name is UNKNOWN:
            yield Finding(path=path, found="not known in a preview", unknown=True, about=each)
        elif name and stack.named("Service", each.namespace, str(name)) is None:
            yield Finding(path=path, found=f"the stack has no Service {name}", about=each)


def _backends(each: Object) -> Iterator[tuple[str, Any]]:
    """Find the Services of its own namespace that an Ingress or a route sends requests to."""
    spec = look(each.manifest, "spec")
    rules = list(enumerate(items(look(spec, "rules"))))
    if each.kind == "Ingress":
        yield "spec.defaultBackend", look(spec, "defaultBackend", "service", "name")
        for index, one in rules:
            for number, path in enumerate(items(look(one, "http", "paths"))):
                yield f"spec.rules[{index}].http.paths[{number}].backend", look(path, "backend", "service", "name")
        return
    for index, one in rules:
        for number, backend in enumerate(items(look(one, "backendRefs"))):
            if look(backend, "kind") in (None, "Service") and look(backend, "namespace") in (None, each.namespace):
                yield f"spec.rules[{index}].backendRefs[{number}]", look(backend, "name")
