"""How a run reaches its cluster: by a file, by a text that a stack holds, or by one that is yet to be made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from infra.observed import ApiServer, KubeconfigError, UnreachableError, load_access
from infra.settings import KUBECONFIG, MADE_HERE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings import Settings

__all__ = ["Reach", "reach"]


@dataclass(kw_only=True)
class Reach:
    """What the guard reads the cluster by. The one thing that changes while a program runs: a cluster comes to be."""

    kubeconfig: str | None = field(default=None, repr=False)
    """A path, or the text itself; None for what kubectl would use."""

    context: str | None = None
    """None for the kubeconfig's current one."""

    made: bool = True
    """False as long as the cluster is one of this run's own resources and not there yet."""

    _server: ApiServer | None = field(default=None, init=False, repr=False)

    def connect(self) -> ApiServer:
        """Give the API server. Raises UnreachableError where none is found, or not yet."""
        if not self.made:
            raise UnreachableError("the cluster is not made yet")
        if self._server is None:
            try:
                self._server = ApiServer(load_access(self.kubeconfig, self.context))
            except KubeconfigError as error:
                raise UnreachableError(str(error)) from None
        return self._server

    def tell(self, kubeconfig: str) -> None:
        """Say how a cluster is reached that this run has made, or whose credentials it has renewed."""
        if kubeconfig != self.kubeconfig:
            self._server = None
        self.kubeconfig, self.made = kubeconfig, True


def reach(settings: Settings, secrets: Mapping[str, str]) -> Reach:
    """Find how the stack's cluster is reached, as far as it is known before anything is declared.

    Raises pulumi.RunError where another stack is to have made it and has not.
    """
    cluster = settings.cluster
    if cluster.kubeconfig_secret is not None:
        return Reach(kubeconfig=secrets[cluster.kubeconfig_secret], context=cluster.context)
    if cluster.stack is not None:
        name = _whole(cluster.stack)
        text = _outputs(name).get(KUBECONFIG)
        if not isinstance(text, str):
            raise pulumi.RunError(
                f"cluster.stack: {name} has no output {KUBECONFIG}, so nothing was touched: run `pulumi up` there first"
            )
        return Reach(kubeconfig=text, context=cluster.context)
    if cluster.provider in MADE_HERE:
        text = _outputs(_whole(pulumi.get_stack())).get(KUBECONFIG)
        return Reach(kubeconfig=text) if isinstance(text, str) else Reach(made=False)
    return Reach(kubeconfig=cluster.kubeconfig, context=cluster.context)


def _whole(stack: str) -> str:
    """Complete a stack's name with this one's organisation and project, as `pulumi stack select` does."""
    missing = [pulumi.get_organization(), pulumi.get_project()]
    parts = stack.split("/")
    return "/".join([*missing[: 3 - len(parts)], *parts])


def _outputs(stack: str) -> Mapping[str, Any]:
    """Read another stack's outputs, or this one's former ones, secrets in plain text.

    By the engine's own call below StackReference: that one is an Output, which is known too late for what is decided
    before anything is declared. Raises pulumi.RunError where there is no such stack.
    """
    try:
        found: Any = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack}).value
    except Exception as error:  # noqa: BLE001 - the SDK raises its own plain one for whatever the engine answers
        raise pulumi.RunError(f"cluster.stack: {stack} cannot be read, so nothing was touched: {error}") from None
    outputs: Mapping[str, Any] = (found or {}).get("outputs") or {}
    return outputs
