"""Serve the trained classifier over HTTP: predictions, probes and metrics.

Settings are environment variables: PORT (8080), HOST (all addresses), MODEL_DIRECTORY (beside this file) and
CONNECTION_MAX_AGE (seconds, 10).
"""

from __future__ import annotations

import json
import logging
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, Field
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# When a Service's selector changes, connections that are open stay with the pod that they reached, so a client that
# keeps its connection would stay with the former version for ever. An older connection is closed with its next
# answer: the client is told, loses nothing and connects anew, to whichever slot is active then. Ten seconds bound
# that, and a connection every ten seconds costs a client nothing it could measure.
CONNECTION_MAX_AGE = 10.0
# A connection on which nothing happens is closed after this (uvicorn's default). Together: no later than 15 seconds
# after a switch does a request on a connection from before it reach the former slot.
IDLE_SECONDS = 5
# For requests under way when the pod is told to end; a prediction takes milliseconds.
SHUTDOWN_SECONDS = 10
# A thousand flowers take two milliseconds: many more in one request would hold up all others.
MOST_FLOWERS = 1000
KNOWN_PATHS = frozenset({"/predict", "/healthz", "/readyz", "/metrics"})

log = logging.getLogger("iris")

Number = Annotated[float, Field(allow_inf_nan=False)]
Flower = Annotated[list[Number], Field(min_length=4, max_length=4)]


class Question(BaseModel):
    """Measurements of flowers, each sepal length, sepal width, petal length and petal width, in centimetres."""

    model_config = ConfigDict(extra="forbid")

    features: Annotated[list[Flower], Field(min_length=1, max_length=MOST_FLOWERS)]


class Prediction(BaseModel):
    """The most likely species of one flower."""

    label: str
    probability: float


class Answer(BaseModel):
    """One prediction a flower, in their order, and which version made them."""

    model: str
    version: str
    predictions: list[Prediction]


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A linear model as `train.py` writes it: a row of weights and an offset a label."""

    name: str
    version: str
    labels: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    offsets: tuple[float, ...]

    @classmethod
    def load(cls, directory: Path) -> Classifier:
        """Read a model; OSError when it is not there, ValueError or KeyError when it is none."""
        written = json.loads((directory / "model.json").read_text())
        return cls(
            name=written["model"],
            version=written["version"],
            labels=tuple(written["labels"]),
            weights=tuple(tuple(row) for row in written["weights"]),
            offsets=tuple(written["offsets"]),
        )

    def predict(self, flower: Sequence[float]) -> Prediction:
        """Return the most likely species of one flower."""
        scores = [
            sum(weight * value for weight, value in zip(row, flower, strict=True)) + offset
            for row, offset in zip(self.weights, self.offsets, strict=True)
        ]
        highest = max(scores)
        # The softmax, with the highest score taken off first so that nothing overflows: its own term is then 1.
        probability = 1 / sum(math.exp(score - highest) for score in scores)
        return Prediction(label=self.labels[scores.index(highest)], probability=round(probability, 4))


class Metrics:
    """What Prometheus reads: requests by path and status, their duration, predictions by label and how sure they are.

    A rollout compares these of two versions: what it needs of a model's server is a counter with the status and a
    histogram of the times, and a metric that shows when answers are nonsense.
    """

    def __init__(self, classifier: Classifier) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("http_requests", "Answered requests", ["path", "status"], registry=self.registry)
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "Seconds from a request to its answer",
            ["path"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=self.registry,
        )
        self.predictions = Counter("predictions", "Flowers classified", ["label"], registry=self.registry)
        self.probability = Histogram(
            "prediction_probability",
            "Probability of the label that was answered",
            buckets=(0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
            registry=self.registry,
        )
        model = Gauge("model_info", "The model that answers; always 1", ["model", "version"], registry=self.registry)
        model.labels(classifier.name, classifier.version).set(1)


class Measured:
    """Counts and times each request, and closes a connection of age.

    Plain ASGI: Starlette's `BaseHTTPMiddleware` runs each request in tasks of its own, which is half of its time.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, connection_max_age: float) -> None:
        self.app, self.metrics, self.connection_max_age = app, metrics, connection_max_age

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        # Unknown paths count as one: whoever scans for paths must not make a series a path.
        path = scope["path"] if scope["path"] in KNOWN_PATHS else "other"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.metrics.requests.labels(path, str(message["status"])).inc()
                self.metrics.seconds.labels(path).observe(time.perf_counter() - began)
                connected = scope.get("state", {}).get("connected")
                if connected is not None and time.monotonic() - connected > self.connection_max_age:
                    message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception:
            # Outside of this it is answered with 500; uncounted, a version that fails would look like an idle one.
            self.metrics.requests.labels(path, "500").inc()
            raise


def create_app(classifier: Classifier, *, connection_max_age: float = CONNECTION_MAX_AGE) -> FastAPI:
    """Return the application; it is ready when it is served, since the model is loaded before."""
    app = FastAPI(title=classifier.name, version=classifier.version, openapi_url=None)
    metrics = Metrics(classifier)
    app.add_middleware(Measured, metrics=metrics, connection_max_age=connection_max_age)

    @app.exception_handler(RequestValidationError)
    async def explain(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"error": "; ".join(_sentence(mistake) for mistake in error.errors())}, status_code=422)

    @app.post("/predict")
    async def predict(question: Question) -> Answer:
        found = [classifier.predict(flower) for flower in question.features]
        for prediction in found:
            metrics.predictions.labels(prediction.label).inc()
            metrics.probability.observe(prediction.probability)
        return Answer(model=classifier.name, version=classifier.version, predictions=found)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        return {"status": "ready", "version": classifier.version}

    @app.get("/metrics")
    async def exposed() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return app


class AgeingProtocol(HttpToolsProtocol):
    """HTTP/1.1 that tells the application when each connection was made.

    Parsed in C: an answer takes 0.2 ms of processor, with uvicorn's parser in Python 0.3 ms.
    """

    def __init__(self, *, app_state: dict[str, Any], **rest: Any) -> None:
        super().__init__(app_state={**app_state, "connected": time.monotonic()}, **rest)


def _sentence(mistake: dict[str, Any]) -> str:
    """Return one mistake of a request as `features[0][2]: what is wrong`."""
    if mistake["type"] == "json_invalid":
        return f"body: not JSON: {mistake['ctx']['error']} at character {mistake['loc'][-1]}"
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in mistake["loc"][1:]).lstrip(".")
    return f"{path or 'body'}: {mistake['msg']}"


def main() -> None:
    """Load the model and serve it until SIGTERM; requests under way are answered first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    directory = Path(os.environ.get("MODEL_DIRECTORY") or Path(__file__).parent / "model")
    try:
        classifier = Classifier.load(directory)
        max_age = float(os.environ.get("CONNECTION_MAX_AGE", CONNECTION_MAX_AGE))
        port = int(os.environ.get("PORT", "8080"))
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(f"cannot serve: {error!r}") from None
    log.info("serving %s version %s on port %d", classifier.name, classifier.version, port)
    uvicorn.run(
        create_app(classifier, connection_max_age=max_age),
        host=os.environ.get("HOST", "0.0.0.0"),  # noqa: S104 - a pod is reached at its own address
        port=port,
        http=AgeingProtocol,
        access_log=False,  # a line a request would be most of the cluster's log; /metrics has the numbers
        log_level="warning",
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
