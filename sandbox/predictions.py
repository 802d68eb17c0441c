"""Ask the deployed model, through each of its Services, and show who answered."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Prediction", "predict", "predictions", "table"]

# A flower of the species setosa, from the data set's first row: any version must know it.
FLOWER = {"features": [[5.1, 3.5, 1.4, 0.2]]}
# A ready pod answers in milliseconds; the rest is for kube-proxy to learn of a new Service.
ANSWER_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One Service of a model, and what it answered."""

    service: str
    slot: str
    version: str
    digest: str
    ready: int
    url: str
    answer: str


def predict(url: str) -> dict[str, Any]:
    """Return the model's answer for one flower; raises OSError when there is none in time.

    Asks again until `ANSWER_WITHIN_SECONDS` have passed: this is a first visit, not a load test.
    The sandbox's own address is asked directly, never through a proxy of the environment.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(
        f"{url}/predict", data=json.dumps(FLOWER).encode(), headers={"content-type": "application/json"}
    )
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


def predictions(models: Mapping[str, Mapping[str, Any]], kubectl: Callable[..., Any]) -> list[Prediction]:
    """Return an answer for every model's routing Service and for each slot's own.

    `models` is the stack's output of that name; `kubectl` runs a command and returns its JSON.
    """
    found = []
    for name, model in models.items():
        namespace = model["namespace"]
        services = {name: model["active"], **{f"{name}-{slot}": slot for slot in model["slots"]}}
        for service, slot in services.items():
            declared = kubectl("get", "service", service, "--namespace", namespace)
            deployment = kubectl("get", "deployment", f"{name}-{slot}", "--namespace", namespace)
            container = deployment["spec"]["template"]["spec"]["containers"][0]
            url = f"http://{declared['spec']['clusterIP']}:{declared['spec']['ports'][0]['port']}"
            answer = predict(url)
            label = answer["predictions"][0]["label"]
            found.append(
                Prediction(
                    service=service,
                    slot=slot,
                    version=deployment["metadata"]["labels"]["ml-platform/version"],
                    digest=container["image"].rpartition("@")[2],
                    ready=deployment["status"].get("readyReplicas", 0),
                    url=url,
                    answer=f"{label}, by version {answer['version']}",
                )
            )
    return found


def table(found: list[Prediction]) -> Table:
    """Return the predictions as a table for the terminal."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("Service", "slot", "version", "image digest", "ready", "URL from this host", "answer"):
        shown.add_column(heading, no_wrap=True)
    for one in found:
        # Nineteen characters are what `docker images --digests` needs to be unambiguous: sha256: and twelve.
        shown.add_row(one.service, one.slot, one.version, one.digest[:19], str(one.ready), one.url, one.answer)
    return shown
