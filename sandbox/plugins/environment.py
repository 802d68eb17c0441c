"""The environment variables with which a shell, or a test, reaches the sandbox's engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.paths import Layout

__all__ = ["engine_environment"]


def engine_environment(layout: Layout, *, policy_pack: Path | None) -> dict[str, str]:
    """Return the variables that plain `pulumi` commands need, each for the reason beside it.

    Args:
        layout: whose plugins, states and passphrase are used.
        policy_pack: the pack that every `preview` and `up` runs, or None for none.

    """
    environment = {
        "PULUMI_HOME": str(layout.pulumi_home),  # the plugins, and nothing of the user's own Pulumi
        # Without `metadata=skip` a second file stands beside each state, `.attrs`, which is not replaced as a whole as
        # the state is: a command that is killed while it writes it leaves it empty, and every later one says "failed
        # to load checkpoint: EOF".
        "PULUMI_BACKEND_URL": f"file://{layout.backend}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(layout.passphrase),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",  # a missing plugin is an error, not a download
        "PULUMI_SKIP_UPDATE_CHECK": "true",  # the version is pinned, and the network may be out of reach
        # Container images often forbid it. Empty is unset: SDK, program and plugins are then compiled once, not at
        # every command, which is half of what a command of ours costs.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    if policy_pack is not None:
        environment["PULUMI_OPTION_POLICY_PACK"] = str(policy_pack.absolute())
    return environment
