"""What can go wrong with the API server, in words for the person who runs `pulumi up`."""

from __future__ import annotations

from typing import Any

__all__ = [
    "ApiError",
    "InitializationError",
    "NoSuchKindError",
    "ProviderError",
    "UnreachableError",
    "explain_conflict",
]


class ProviderError(Exception):
    """An answer to the engine: its text is shown to the user as it is."""


class UnreachableError(ProviderError, ConnectionError):
    """No API server answers, or no kubeconfig names one; waiting code passes over it like any lost connection."""


class NoSuchKindError(ProviderError):
    """The API server serves no such kind; usually its CustomResourceDefinition is not there yet."""


class InitializationError(ProviderError):
    """The object was written but is not as it should be; what there is of it must be kept in the state.

    Args:
        identifier: the resource's id.
        properties: its outputs as far as they are known.
        reasons: why, one sentence each; the first is the summary.

    """

    def __init__(self, identifier: str, properties: dict[str, Any], reasons: list[str]) -> None:
        super().__init__(reasons[0] if reasons else "the object did not become ready")
        self.identifier = identifier
        self.properties = properties
        self.reasons = reasons


class ApiError(ProviderError):
    """The API server refused a request; carries its `Status` object.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    """

    def __init__(self, code: int, status: dict[str, Any]) -> None:
        super().__init__(status.get("message") or f"the API server answered with HTTP status {code}")
        self.code = code
        self.reason = str(status.get("reason", ""))
        self.message = str(self)
        self.causes: list[dict[str, Any]] = (status.get("details") or {}).get("causes") or []

    @property
    def not_found(self) -> bool:
        """Neither the object nor, perhaps, its namespace is there."""
        return self.code == 404  # noqa: PLR2004  HTTP's own numbers read best

    @property
    def forbidden(self) -> bool:
        """Refused by authorisation, a quota or another admission rule."""
        return self.code == 403  # noqa: PLR2004

    @property
    def field_conflict(self) -> bool:
        """Another field manager owns a field that was applied."""
        return self.code == 409 and any(c.get("reason") == "FieldManagerConflict" for c in self.causes)  # noqa: PLR2004

    @property
    def version_conflict(self) -> bool:
        """A precondition on uid or resourceVersion did not hold."""
        if self.code == 409:  # noqa: PLR2004
            return not self.field_conflict
        return self.code == 422 and any(c.get("field") == "metadata.uid" for c in self.causes)  # noqa: PLR2004

    @property
    def namespace_missing(self) -> bool:
        """The namespace itself is not there."""
        return self.not_found and self.message.startswith("namespaces ")

    @property
    def dry_run_refused(self) -> bool:
        """An admission webhook or an old server cannot answer a dry run at all."""
        return self.code == 400 and ("dry run" in self.message or "dryRun" in self.message)  # noqa: PLR2004


def explain_conflict(error: ApiError, what: str, manager: str) -> ProviderError:
    """Say who owns which field, and the three ways out.

    The official provider shows the server's sentence and a link; the answer is short enough to stand here.
    """
    owners = [
        f"  {cause.get('field', '?')}: {cause.get('message', '').replace('conflict with', 'owned by')}"
        for cause in error.causes
    ]
    return ProviderError(
        "\n".join(
            [
                f"Server-Side Apply field conflict on {what}: other field managers own what {manager!r} declares.",
                *owners,
                (
                    "Leave these fields out of the program where the other manager should keep them (or list them in "
                    "ignoreChanges), make the other manager let go, or take them over with the annotation "
                    '`pulumi.com/patchForce: "true"` on this resource or `enablePatchForce` on its provider.'
                ),
            ],
        ),
    )
