"""Binding a callable that was handed in to the life of a resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pulumi

__all__ = ["Hook", "guarded"]

Hook = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]
"""Asked before a resource is touched, in previews as well; raises to refuse."""


def guarded(name: str, hook: Hook | None, *, creation: bool) -> pulumi.ResourceHookBinding | None:
    """Bind a hook to every update of a resource, and to its creation as well if `creation`; None binds nothing.

    `name` is unique in the stack. Deletion has no hook: it would make `pulumi destroy` ask for `--run-program`.
    """
    if hook is None:
        return None

    # A coroutine of its own, because the SDK takes the callable's name, which an object has not. Asynchronous, since
    # a hook that blocks stops the program, and with it every other model's guard.
    async def guard(args: pulumi.ResourceHookArgs) -> None:
        await hook(args)

    bound = pulumi.ResourceHook(name, guard, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceHookBinding(before_create=[bound] if creation else None, before_update=[bound])
