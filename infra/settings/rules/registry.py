"""The login to the registry, whose password is a secret's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.settings.errors import Mistake, quoted_list
from infra.settings.rules.raw import as_text, below, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["registry_login"]


def registry_login(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find a password that names no secret. It is not shown: it may be the password itself."""
    password = as_text(below(raw, "registryLogin", "password"))
    known = [str(name) for name in mapping(raw, "secrets")]
    if password is not None and password not in known:
        yield Mistake(
            path=("registryLogin", "password"),
            message=f"names no secret; known: {quoted_list(known)}; set it with: pulumi config set --secret --path"
            " ml-platform:secrets.registry-token, and name that here. If the password itself stands here, change it"
            " wherever it was valid",
        )
