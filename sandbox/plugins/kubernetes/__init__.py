"""A Pulumi provider for Kubernetes, for machines that cannot download the official one.

It speaks the official provider's resource types, ids, inputs and outputs (4.34.2), so that the same
program runs on either and a state that one wrote is readable by the other. `docs/plugins.md` lists the
differences. The engine's calls arrive in `server`; `check`, `diff`, `create`, `update`, `read` and
`delete` answer them; `client` talks to the API server; `readiness` waits for objects.
"""

from __future__ import annotations

__all__ = ["VERSION"]

VERSION = "4.34.2"
"""The official release whose behaviour this provider follows; the SDK in the lock file asks for it."""
