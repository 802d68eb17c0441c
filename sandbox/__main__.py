"""`python -m sandbox`: a whole platform on one machine."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from sandbox.paths import Layout

app = typer.Typer(
    help="A Kubernetes cluster, a registry and the platform on this machine, for trying and for tests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def up() -> None:
    """Bring everything up and ask the model for a prediction; nothing is done twice."""
    from sandbox.progress import Progress
    from sandbox.under_way import under_way
    from sandbox.up import bring_up

    layout = Layout.default()
    with under_way(layout):
        bring_up(layout, Progress())


@app.command()
def down(
    clean: Annotated[bool, typer.Option("--clean", help="Remove the caches too: tools, images, layers.")] = False,  # noqa: FBT002
) -> None:
    """Take everything down and leave the machine as it was."""
    from sandbox.down import take_down
    from sandbox.progress import Progress

    take_down(Layout.default(), Progress(), clean=clean)


@app.command("start-cluster")
def start_cluster() -> None:
    """Start again what died of the cluster, with its data; the platform in it is left as it is."""
    from sandbox.cluster import Cluster, choose_nodes
    from sandbox.progress import Progress

    progress, layout = Progress(), Layout.default()
    with progress.part("cluster"):
        Cluster(layout, nodes=choose_nodes(layout), report=progress.say).start()


@app.command()
def kubeconfig(
    subject: Annotated[str, typer.Option("--as", help="user:<name>, group:<name>, serviceaccount:<namespace>/<name>")],
    group: Annotated[str | None, typer.Option(help="A group that the user is in.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Where its commands are meant.")] = None,
) -> None:
    """Print a kubeconfig of somebody else than the administrator, to try what its roles allow."""
    import yaml

    from sandbox.cluster import Cluster, choose_nodes

    layout = Layout.default()
    cluster = Cluster(layout, nodes=choose_nodes(layout), report=lambda _line: None)
    typer.echo(yaml.safe_dump(cluster.kubeconfig_of(subject, group=group, namespace=namespace), sort_keys=False))


@app.command()
def walls() -> None:
    """Enforce NetworkPolicies from now on, by kube-router; the sandbox's own network knows none."""
    from sandbox.cluster import Cluster, choose_nodes
    from sandbox.tools import provide

    layout, console = Layout.default(), Console(highlight=False)
    nodes = choose_nodes(layout)
    if nodes.kind != "real":
        console.print(f"{nodes.kind} nodes: nothing to do")
        return
    provide(["kube-router"], report=console.print)
    Cluster(layout, nodes=nodes, report=console.print).start_walls()
    console.print("NetworkPolicies are enforced; python -m sandbox status shows kube-router")


@app.command()
def status() -> None:
    """Show each process with its pid, health and memory, and why nodes are real or simulated."""
    from sandbox.status import show_status

    raise typer.Exit(show_status(Layout.default(), Console(highlight=False)))


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="A process, as `status` names it; all of them without it.")] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many lines from the end.")] = 50,
) -> None:
    """Print the end of a process's log."""
    layout = Layout.default()
    known = {path.stem: path for path in sorted(layout.logs.glob("*.log"))}
    if name and name not in known:
        typer.echo(f"no log of {name!r}; there are: {', '.join(known) or 'none, nothing was started'}", err=True)
        raise typer.Exit(2)
    for label in [name] if name else known:
        if not name:
            typer.echo(f"== {label}")
        for line in known[label].read_text(errors="replace").splitlines()[-lines:]:
            typer.echo(line)


def main() -> int:
    """Run a command; a failure is a sentence on the terminal, never a traceback."""
    try:
        app(standalone_mode=False)
    except typer.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("\ninterrupted; the next `make up` goes on from here, `make down` removes all", err=True)
        return 130
    except Exception as error:
        if os.environ.get("SANDBOX_TRACEBACK"):
            raise
        shown = error.format_message() if hasattr(error, "format_message") else str(error)
        typer.echo(f"\nerror: {shown}", err=True)
        return getattr(error, "exit_code", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
