"""`python -m rollout churn -s prod`: walk a model's canary, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.observed import ApiServer, KubeconfigError, load_access
from infra.settings import KUBECONFIG
from rollout.ended import Ended
from rollout.engine import EngineError, Pulumi
from rollout.figures import wanted
from rollout.metrics.pods import PodMetrics
from rollout.metrics.prometheus import PrometheusMetrics
from rollout.show import Show
from rollout.stopping import Stopping
from rollout.target import RefusedError, Target, read_target
from rollout.walk import Walk

if TYPE_CHECKING:
    from infra.settings.analysis import Analysis
    from rollout.metrics import MetricSource

__all__ = ["main", "source_of"]

_ROOT = Path(__file__).resolve().parent.parent


def source_of(target: Target, engine: Pulumi) -> MetricSource:
    """Return where this model's metrics are read. Raises RefusedError where the cluster cannot be found."""
    analysis: Analysis = target.analysis
    names = wanted(analysis)
    if analysis.source != "pods":
        return PrometheusMetrics(url=analysis.source, namespace=target.namespace, model=target.model, names=names)
    try:
        text = target.cluster.kubeconfig if target.cluster.has_a_file else engine.secret_output(KUBECONFIG)
        if text is None and not target.cluster.has_a_file:
            raise RefusedError(f"stack {target.stack} has no output {KUBECONFIG}: has its first `pulumi up` ended?")
        access = load_access(text, target.cluster.context)
    except KubeconfigError as error:
        raise RefusedError(str(error)) from None
    return PodMetrics(
        api=ApiServer(access),
        namespace=target.namespace,
        model=target.model,
        ports=target.ports,
        path=analysis.path,
        names=names,
    )


def main(
    model: Annotated[str, typer.Argument(help="The model, as the stack's file names it.")],
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack.")],
    to: Annotated[
        str | None, typer.Option(help="The slot that is to serve in the end; by default the other one.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Take all requests off the canary, and end.")] = False,  # noqa: FBT002
) -> None:
    """Give a model's new version more and more of the requests, and take them back where its figures are bad.

    Exit code: 0 the new version serves; 1 it was bad and the former one serves; 2 refused, nothing was touched;
    3 going back failed; 130 stopped by Ctrl-C, the share stays.
    """
    show, stopping = Show(), Stopping()
    try:
        target = read_target(_ROOT, stack, model, to=to)
        engine = Pulumi(root=_ROOT, stack=stack, tell=show.now, stopping=stopping)
        walk = Walk(target=target, engine=engine, source=source_of(target, engine), show=show, stopping=stopping)
        with stopping.listening():
            ended = walk.back() if back else walk.run()
    except RefusedError as error:
        show.say(f"refused: {error}", "red")
        ended = Ended.REFUSED
    except EngineError as error:
        show.say(str(error), "red")
        ended = Ended.STUCK
    raise typer.Exit(ended)


if __name__ == "__main__":
    typer.run(main)
