"""Ask the deployed model, through each of its Services, and show who answered."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FLOWER", "Prediction", "predict", "predictions", "route_host", "table"]

# A flower of the species setosa, from the data set's first row: any version must know it.
FLOWER = {"features": [[5.1, 3.5, 1.4, 0.2]]}
# What the stack's output calls the one slot of a model that is not blue and green.
WITHOUT_SLOTS = "only"
# A ready pod answers in milliseconds; the rest is for kube-proxy to learn of a new Service.
ANSWER_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One Service of a model, or its route, and what it answered."""

    service: str
    slot: str
    version: str
    digest: str
    ready: int
    url: str
    answer: str


def predict(url: str, *, host: str | None = None) -> dict[str, Any]:
    """Return the model's answer for one flower; raises OSError when there is none in time.

    `host` is the name under which a gateway is asked, which no resolver need know.

    Asks again until `ANSWER_WITHIN_SECONDS` have passed: this is a first visit, not a load test.
    The sandbox's own address is asked directly, never through a proxy of the environment.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"content-type": "application/json"} | ({"host": host} if host else {})
    request = urllib.request.Request(f"{url}/predict", data=json.dumps(FLOWER).encode(), headers=headers)
    deadline = time.monotonic() + ANSWER_WITHIN_SECONDS
    while True:
        try:
            with opener.open(request, timeout=5) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except (OSError, ValueError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def predictions(
    models: Mapping[str, Mapping[str, Any]],
    kubectl: Callable[..., Any],
    *,
    gateway: str | None = None,
    through: Callable[[str, Any], Any] | None = None,
) -> list[Prediction]:
    """Return an answer for every model's routing Service, for each slot's own, and for its route.

    `models` is the stack's output of that name; `kubectl` runs a command and returns its JSON; `gateway` is where
    routes are served, None while none is; `through` sends a body to a path of the API server, which passes it on,
    where this host does not reach the addresses of Services.
    """
    found = []
    for name, model in models.items():
        services = {name: model["active"], **{_named(name, slot): slot for slot in model["slots"]}}
        for service, slot in services.items():
            declared = kubectl("get", "service", service, "--namespace", model["namespace"])
            port = declared["spec"]["ports"][0]["port"]
            url = f"http://{declared['spec']['clusterIP']}:{port}"
            path = f"/api/v1/namespaces/{model['namespace']}/services/{service}:{port}/proxy/predict"
            answer = predict(url) if through is None else through(path, FLOWER)
            deployment = kubectl("get", "deployment", _named(name, slot), "--namespace", model["namespace"])
            found.append(_prediction(service, slot, deployment, url if through is None else f"kubectl: {path}", answer))
        host = route_host(model)
        if gateway is not None and host is not None:
            slot = services[name]
            deployment = kubectl("get", "deployment", _named(name, slot), "--namespace", model["namespace"])
            found.append(_prediction(f"route {host}", slot, deployment, gateway, predict(gateway, host=host)))
    return found


def route_host(model: Mapping[str, Any]) -> str | None:
    """Return the host of a model's route, or None where it has none that plain HTTP reaches."""
    url = urlsplit(model.get("url") or "")
    return None if url.scheme != "http" or url.hostname is None or url.hostname.endswith(".svc") else url.hostname


def _named(model: str, slot: str) -> str:
    """Return the name of a slot's objects; a model without slots has one set of them, under its own name."""
    return model if slot == WITHOUT_SLOTS else f"{model}-{slot}"


def _prediction(
    service: str, slot: str, deployment: Mapping[str, Any], url: str, answer: Mapping[str, Any]
) -> Prediction:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return Prediction(
        service=service,
        slot="-" if slot == WITHOUT_SLOTS else slot,
        version=deployment["metadata"]["labels"]["ml-platform/version"],
        digest=container["image"].rpartition("@")[2],
        ready=deployment["status"].get("readyReplicas", 0),
        url=url,
        answer=f"{answer['predictions'][0]['label']}, by version {answer['version']}",
    )


def table(found: list[Prediction]) -> Table:
    """Return the predictions as a table for the terminal."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("Service", "slot", "version", "image digest", "ready", "URL from this host", "answer"):
        shown.add_column(heading, no_wrap=True)
    for one in found:
        # Nineteen characters are what `docker images --digests` needs to be unambiguous: sha256: and twelve.
        shown.add_row(one.service, one.slot, one.version, one.digest[:19], str(one.ready), one.url, one.answer)
    return shown
