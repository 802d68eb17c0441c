"""Small Kubernetes objects for rules that compare them, and what such a rule tells of them."""

from __future__ import annotations

from typing import Any

from policies.rules import RULES, Stack
from policies.rules.objects import Object

BY_ID = {rule.id: rule for rule in RULES}
MARKS = ("app.kubernetes.io/name", "ml-platform/slot", "ml-platform/version")
APP = {"app": "churn"}


def an(kind, name="churn", *, labels=None, annotations=None, version="v1", **spec) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "fraud-prod", "labels": labels or {}, "annotations": annotations or {}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def namespace(name="fraud-prod"):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def deployment(name="churn", *, gpu=0, image="churn:1", pods=None, labels=None, cpu="1", **spec):
    container = {"image": image, "resources": {"requests": {"cpu": cpu, "nvidia.com/gpu": gpu}}}
    template = {"metadata": {"labels": pods if pods is not None else APP}, "spec": {"containers": [container]}}
    return an("Deployment", name, labels=labels, version="apps/v1", template=template, **spec)


def hpa(least=2, most=6, name="churn", target="churn", **more):
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    bounds = {"scaleTargetRef": reference, "minReplicas": least, "maxReplicas": most}
    return an("HorizontalPodAutoscaler", name, version="autoscaling/v2", **bounds, **more)


def scaled(least=2, name="keda"):
    return an("ScaledObject", name, version="keda.sh/v1alpha1", scaleTargetRef={"name": "churn"}, minReplicaCount=least)


def vpa(mode="Auto", name="vpa"):
    policy = {"targetRef": {"kind": "Deployment", "name": "churn"}, "updatePolicy": {"updateMode": mode}}
    return an("VerticalPodAutoscaler", name, version="autoscaling.k8s.io/v1", **policy)


def pdb(**spec):
    return an("PodDisruptionBudget", version="policy/v1", selector={"matchLabels": APP}, **spec)


def service(selector, name="churn", **more):
    return an("Service", name, selector=selector, **more)


def quota(**hard):
    return an("ResourceQuota", "quota", hard=hard)


def limits(**defaults):
    return an("LimitRange", "limits", limits=[{"type": "Container", **defaults}])


def policy(selector, types=("Ingress", "Egress"), **rules):
    group = "networking.k8s.io/v1"
    return an("NetworkPolicy", "deny", version=group, podSelector=selector, policyTypes=list(types), **rules)


def ingress(name):
    path = {"backend": {"service": {"name": name}}}
    return an("Ingress", version="networking.k8s.io/v1", rules=[{"http": {"paths": [path]}}])


def route(**backend):
    return an("HTTPRoute", version="gateway.networking.k8s.io/v1", rules=[{"backendRefs": [backend]}])


def slot(name, version="1", *, model="churn", image=None, pods=None, **spec):
    labels = dict(zip(MARKS, (model, name, version), strict=True))
    inner = labels if pods is None else pods
    return deployment(f"{model}-{name}", labels=labels, pods=inner, image=image or f"churn:{version}", **spec)


def slot_hpa(name, least=2, version="1", served=None):
    scaler = hpa(least, 6, f"churn-{name}", f"churn-{name}")
    scaler["metadata"]["labels"] = dict(zip(MARKS, ("churn", name, version), strict=True))
    scaler["metadata"]["annotations"] = {"ml-platform/served": served} if served else {}
    return scaler


def switch(name):
    return service({MARKS[0]: "churn", MARKS[1]: name})


def template(name, image=None, **fields):
    pod = {"spec": {"containers": [{"image": image or f"registry.example.com/{name}:1"}]}}
    return an("Deployment", name, version="apps/v1", template=pod, **fields)


def elsewhere(manifest, place="risk-prod"):
    """Return the same object in another namespace."""
    return manifest | {"metadata": manifest["metadata"] | {"namespace": place}}


def beside(deployed, image):
    """Return a Deployment with one more container, of this image."""
    pod = deployed["spec"]["template"]
    pod["spec"]["containers"].append({"image": image})
    return deployed


def stack(manifests, *, complete=True):
    return Stack((Object(manifest=manifest, partial=False) for manifest in manifests), complete=complete)


def tell(rule, manifests, chosen=None, **options):
    found = BY_ID[rule].judge(stack(manifests, **options), chosen)
    return [
        f"{one.about.title} {one.path}?" if one.unknown else f"{one.about.title} {one.path}: {one.found}"
        for one in found
    ]
