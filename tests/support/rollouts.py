"""A rollout without engine, pods and time: who does what to configuration and cluster, and what its slots tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout.engine import EngineError
from rollout.metrics import Sample, Seen
from rollout.stopping import Stopping

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Mapping

    from rollout.walk import Walk

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


def told(
    requests: float,
    *,
    failed: float = 0,
    seconds: float = 0.008,
    pods: int | None = 2,
    path: str = "/predict",
    more: tuple[Sample, ...] = (),
    troubles: tuple[str, ...] = (),
) -> Seen:
    """What a slot tells that answered so many requests, each in so many seconds."""
    buckets = {str(bound): requests if seconds <= bound else 0.0 for bound in BOUNDS} | {"+Inf": requests}
    return Seen(
        seconds=120,
        pods=pods,
        increases=(
            Sample(name="http_requests_total", labels={"path": path, "status": "200"}, value=requests - failed),
            Sample(name="http_requests_total", labels={"path": path, "status": "503"}, value=failed),
            Sample(name="http_requests_total", labels={"path": "/readyz", "status": "200"}, value=1000.0),
            *(
                Sample(name="http_request_duration_seconds_bucket", labels={"path": path, "le": bound}, value=count)
                for bound, count in buckets.items()
            ),
            *more,
        ),
        means=more,
        troubles=troubles,
    )


@dataclass
class Engine:
    """What a rollout did to configuration and cluster. `fail` says which `up`, from 1, fails with what."""

    configuration: dict[str, str] = field(default_factory=dict)
    live: dict[str, str] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    changes: list = field(default_factory=list)
    fail: dict[int, str] = field(default_factory=dict)
    during_up: Callable[[int], None] = lambda _: None
    ups: int = 0
    model: str = "churn"

    def configure(self, values: Mapping[str, str]) -> None:
        short = {key.rpartition(f"models.{self.model}.")[2]: value for key, value in values.items()}
        self.configuration |= short
        self.journal.append(" ".join(f"{key}={value}" for key, value in short.items()))

    def up(self, message: str) -> None:
        assert message.startswith(f"rollout of {self.model}: ")
        self.ups += 1
        self.journal.append("up")
        self.during_up(self.ups)
        if self.ups in self.fail:
            raise EngineError("pulumi up", self.fail[self.ups])
        self.live = dict(self.configuration)

    def pending(self) -> list:
        return self.changes


@dataclass
class Source:
    """Metrics by the canary's share: the boundary at which a walk is tested without pods."""

    engine: Engine
    canary: Callable[[int, float], Seen]
    active: Callable[[int, float], Seen]
    clock: Clock
    began: float = 0.0
    looks: int = 0

    def begin(self) -> None:
        self.began = self.clock.now

    def look(self) -> dict:
        self.looks += 1
        share, passed = int(self.engine.live.get("canary.percent", "0")), self.clock.now - self.began
        return {"blue": self.active(share, passed), "green": self.canary(share, passed)}


@dataclass
class Clock(Stopping):
    """Time that passes when it is waited for. `stop_at` presses Ctrl-C at that second."""

    now: float = 0.0
    stop_at: float = float("inf")

    def __post_init__(self) -> None:
        super().__init__()

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += max(0.0, seconds)
        if self.now >= self.stop_at and not self.asked:
            self.press()
        return self.asked


@dataclass
class Rollout:
    walk: Walk
    engine: Engine
    source: Source
    clock: Clock
    screen: io.StringIO

    @property
    def printed(self) -> str:
        return self.screen.getvalue()


def traffic(rate: float, **of_each: object) -> Callable[[int, float], Seen]:
    """A slot that answers all its share of `rate` requests a second alike."""
    failing = float(of_each.pop("failing", 0.0))

    def seen(share: int, passed: float) -> Seen:
        requests = rate * passed * share / 100
        return told(requests, failed=requests * failing, **of_each)

    return seen


def rest(of: Callable[[int, float], Seen]) -> Callable[[int, float], Seen]:
    """The slot that gets what the canary does not."""
    return lambda share, passed: of(100 - share, passed)
