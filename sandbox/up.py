"""`make up`: from a bare machine to a model that answers, step by step."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sandbox.cluster import Cluster, ClusterError, choose_nodes
from sandbox.cluster.kind import kind_obstacle
from sandbox.links import link_tools
from sandbox.local_stack import LocalStack
from sandbox.plugins.install import install_plugins
from sandbox.predictions import FLOWER, predict, predictions, route_host, table
from sandbox.shell import command_environment, shell_variables, write_environment
from sandbox.tools import at_hand, provide
from sandbox.tools.gateway_api import provide_gateway_api

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.cluster import Nodes
    from sandbox.images import DockerEngine, UsersEngine
    from sandbox.paths import Layout
    from sandbox.progress import Progress

__all__ = ["bring_up"]

CONTROL_PLANE = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
# What a first prediction needs, by kind of node; what it does not need is built after it.
NEEDED = {
    "real": [*CONTROL_PLANE, "kubelet", "kube-proxy", "coredns", "pulumi", "kubectl"],
    "simulated": [*CONTROL_PLANE, "kwok", "pulumi", "kubectl"],
    "kind": ["kind", "pulumi", "kubectl"],
}
ASK = (
    "curl -H 'Host: iris.localhost' -H 'content-type: application/json' "
    f"-d '{json.dumps(FLOWER)}' $SANDBOX_GATEWAY/predict"
)
# Characters that the table of predictions takes at most, with a registry's and a model's usual names.
TABLE_WIDTH = 140
NEEDED_LATER = {"real": ["metrics-server", "traefik"], "simulated": [], "kind": []}


def bring_up(layout: Layout, progress: Progress) -> None:
    """Bring everything up; each step finds what an earlier run did and goes on from there."""
    nodes = choose_nodes(layout)
    progress.say(f"nodes: {nodes.kind}, because {nodes.why}")
    with progress.part("tools"):
        _packages(nodes, progress)
        link_tools(provide(NEEDED[nodes.kind], report=progress.say), layout.tools)
        definitions = provide_gateway_api(report=progress.say)
        # Found now or after the prediction: a build of Traefik takes minutes, which no prediction need wait for.
        later = at_hand(NEEDED_LATER[nodes.kind], report=progress.say)
        link_tools(later, layout.tools)
    cluster = Cluster(layout, nodes=nodes, report=progress.say)
    with ExitStack() as parts, ThreadPoolExecutor() as pool:
        parts.enter_context(progress.part("cluster"))
        cluster_started = pool.submit(cluster.start)
        engine = _docker_engine(nodes, layout, cluster, progress)
        cluster_started.result()
        cluster.install_gateway_api(definitions)
        if "traefik" in later:
            cluster.start_gateway()
        install_plugins(layout.pulumi_home, Path(sys.executable))
    variables = shell_variables(
        layout, docker_host=engine.host if engine else None, gateway=cluster.gateway, direct=cluster.addresses
    )
    write_environment(layout, variables)
    stack = LocalStack(layout, command_environment(variables), progress)
    with progress.part("platform: pulumi up -s local, with the policies"):
        stack.prepare(
            simulated=nodes.kind == "simulated",
            values={
                "REGISTRY": cluster.registry or "registry.example.com/ml",
                "KUBECONFIG": str(layout.kubeconfig),
                "CONTEXT": cluster.context,
            },
        )
        changed = stack.up()
    unasked: Sequence[str] = ()
    if nodes.kind == "simulated":
        progress.say(f"no prediction: simulated nodes, because {nodes.why}")
    else:
        with progress.part("predictions"):
            unasked = _ask(stack, progress, cluster, gateway=cluster.gateway if "traefik" in later else None)
    if cluster.gateway is None:
        progress.say(f"no gateway with {nodes.kind} nodes: routes are stored, and nothing serves them")
    _say_what_to_do_next(layout, progress, changed=changed, gateway=cluster.gateway)
    if nodes.kind == "real":
        _later(cluster, layout, progress, unasked)


def _ask(stack: LocalStack, progress: Progress, cluster: Cluster, *, gateway: str | None) -> Sequence[str]:
    """Print what the models answer; return the hosts of routes that could not be asked, as no gateway is there yet."""
    models = stack.outputs()["models"]
    # Addresses of Services are reached from this host where the cluster's network is ours, else through the API server.
    answers = predictions(models, stack.kubectl, gateway=gateway, through=None if cluster.network else stack.post)
    progress.console.print()
    # As wide as it is: a URL that a narrow terminal wraps can be used, one that is cut cannot.
    Console(width=TABLE_WIDTH, highlight=False).print(table(answers))
    return [] if gateway else [host for host in map(route_host, models.values()) if host is not None]


def _packages(nodes: Nodes, progress: Progress) -> None:
    """Install what real nodes are made of; say at once when kind was asked for and cannot be had."""
    if nodes.kind == "real":
        from sandbox.tools.packages import NODE_PACKAGES, ensure_packages

        ensure_packages(NODE_PACKAGES, report=progress.say)
    if nodes.kind == "kind" and (reason := kind_obstacle()):
        raise ClusterError(f"kind cannot make a cluster here: {reason}")


def _docker_engine(
    nodes: Nodes, layout: Layout, cluster: Cluster, progress: Progress
) -> DockerEngine | UsersEngine | None:
    """Return the engine that builds images, started while the cluster starts; simulated nodes need no image."""
    from sandbox.images import DockerEngine, UsersEngine, ensure_base_image

    if nodes.kind == "simulated":
        return None
    if nodes.kind == "kind":
        users = UsersEngine()
        ensure_base_image(users, report=progress.say)
        return users
    engine = DockerEngine(layout, insecure_registries=[cluster.registry], report=progress.say)
    engine.start()
    ensure_base_image(engine, report=progress.say)
    return engine


def _say_what_to_do_next(layout: Layout, progress: Progress, *, changed: bool, gateway: str | None) -> None:
    say = progress.console.print
    say()
    say("The platform is up." if changed else "The platform was up already; nothing changed.")
    say()
    say(f"  . {os.path.relpath(layout.environment)}", markup=False)
    for purpose, command in (
        ("switch", "pulumi config set --path ml-platform:models.iris.active green -s local && pulumi up -s local"),
        ("go back", "pulumi config set --path ml-platform:models.iris.active blue -s local && pulumi up -s local"),
        *([("ask", ASK)] if gateway else []),
        ("look", "python -m sandbox status"),
        ("take down", "make down"),
    ):
        say(f"  {purpose:<10} {command}", markup=False)
    say()


def _later(cluster: Cluster, layout: Layout, progress: Progress, unasked: Sequence[str]) -> None:
    """Provide what the prediction did not need: resource metrics, by which autoscalers scale, and the gateway.

    `unasked` are the hosts of routes that were not asked for a prediction because the gateway was still to come.
    """
    names = NEEDED_LATER["real"]
    with progress.part(f"after the prediction: {', '.join(names)}"):
        for name, start in zip(names, (cluster.start_metrics, cluster.start_gateway), strict=True):
            link_tools(provide([name], report=progress.say), layout.tools)
            start()
        for host in unasked:
            answer = predict(str(cluster.gateway), host=host)
            label = answer["predictions"][0]["label"]
            progress.say(f"route {host} at {cluster.gateway}: {label}, by version {answer['version']}")
