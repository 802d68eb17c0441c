"""What a version says of its pods: image, environment, volumes, resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from infra.settings.document import SECURE
from infra.settings.errors import KeyPath, Mistake, did_you_mean, quote, quoted_list
from infra.settings.rules.raw import as_amount, as_text, given, mapping

if TYPE_CHECKING:
    from infra.settings.rules.raw import RawModel

__all__ = ["pods"]

# A variable's name whose last word says that its value is secret. MAX_TOKENS and SORT_KEY are not among them.
_SECRET_NAME = re.compile(
    r"(?:.*_)?(?:PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY)", re.IGNORECASE
)
_PASSWORD_IN_URI = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]+@.*", re.IGNORECASE)
_URI_VARIABLE = "MODEL_URI"


def pods(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find contradictions in what pods are made of."""
    yield from _sources(model)
    yield from _environment(model, raw)
    yield from _uris(model)
    yield from _volumes(model)
    team = mapping(raw, "teams", model.team or "")
    yield from _limits(model, mapping(team, "quota"), mapping(team, "priorityQuotas", model.priority_class or ""))


def _sources(model: RawModel) -> Iterator[Mistake]:
    for name, version in model.versions.items():
        if not isinstance(version, Mapping):
            continue
        path = (*model.path, "versions", str(name))
        image, build = given(version, "image"), given(version, "build")
        if image and build:
            yield Mistake(path=path, message="image and build exclude each other; keep one")
        elif not image and not build:
            yield Mistake(path=path, message="needs image (name@sha256:...) or build ({context: ...})")


def _environment(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    secrets = [str(name) for name in mapping(raw, "secrets")]
    for path, holder in model.holders():
        for variable, value in mapping(holder, "secretEnv").items():
            secret = as_text(value)
            if secret is not None and secret not in secrets:
                yield Mistake(
                    path=(*path, "secretEnv", variable),
                    message=f"unknown secret {quote(secret)}; known: {quoted_list(secrets)}; set it with: pulumi config"
                    f" set --secret --path ml-platform:secrets.{secret}{did_you_mean(secret, secrets)}",
                )
            if variable in mapping(holder, "env") or variable in mapping(model.values, "env"):
                yield Mistake(path=(*path, "secretEnv", variable), message="also stands in env; keep one")
        for variable, value in mapping(holder, "env").items():
            if holder is not model.values and variable in mapping(model.values, "secretEnv"):
                yield Mistake(path=(*path, "env", variable), message="also stands in the model's secretEnv; keep one")
            elif value is not SECURE and _SECRET_NAME.fullmatch(variable):
                yield Mistake(
                    path=(*path, "env", variable),
                    message="looks like a secret in plain text; put it under ml-platform:secrets (pulumi config set"
                    " --secret --path), name it in secretEnv, and change it wherever it was valid",
                )


def _uris(model: RawModel) -> Iterator[Mistake]:
    for path, holder in model.holders():
        uri = holder.get("uri")
        if holder is model.values or uri is None:
            continue
        for where, above in ((path, holder), (model.path, model.values)):
            for key in ("env", "secretEnv"):
                if _URI_VARIABLE in mapping(above, key):
                    yield Mistake(
                        path=(*where, key, _URI_VARIABLE), message="is given to the pods from uri; keep one of the two"
                    )
        if isinstance(uri, str) and _PASSWORD_IN_URI.fullmatch(uri):
            yield Mistake(
                path=(*path, "uri"),
                message="has a password in it, in plain text; put it under ml-platform:secrets, name it in secretEnv,"
                " and change it wherever it was valid",
            )


def _volumes(model: RawModel) -> Iterator[Mistake]:
    """Find paths at which two volumes would be mounted; a version's volume takes the place of the model's by name."""
    shared = mapping(model.values, "volumes")
    for path, holder in model.holders():
        first: dict[str, str] = {}
        for name, volume in {**shared, **mapping(holder, "volumes")}.items():
            mounted = mapping({"": volume}, "").get("path")
            if not isinstance(mounted, str):
                continue
            at = mounted.rstrip("/")
            own = name in mapping(holder, "volumes")
            if at in first and (own or first[at] in mapping(holder, "volumes")):
                where = name if own else first[at]
                other = first[at] if own else name
                yield Mistake(
                    path=(*path, "volumes", where, "path"),
                    message=f"{quote(mounted)} is taken by volume {quote(other)}; give each its own",
                )
            first.setdefault(at, name)


def _limits(model: RawModel, *quotas: Mapping[str, Any]) -> Iterator[Mistake]:
    lacking: list[KeyPath] = []
    for name, version in model.versions.items():
        if not isinstance(version, Mapping):
            continue
        own = "resources" in version
        limit = model.setting(str(name), "resources", "cpuLimit")
        requested = model.setting(str(name), "resources", "cpu")
        most, least = as_amount(limit), as_amount("500m" if requested is None else requested)
        path: KeyPath = (*model.path, "versions", str(name), "resources", "cpuLimit")
        if limit is None:
            lacking.append(path)
        elif most is not None and least is not None and most < least:
            by_default = " by default" if requested is None else ""
            yield Mistake(
                path=path if own else (*model.path, "resources", "cpuLimit"),
                message=f"{quote(limit)} is below cpu, {quote(requested or '500m')}{by_default}; allowed: that or more",
            )
    if lacking and any("limits.cpu" in quota for quota in quotas):
        alone = len(lacking) < len(model.versions)
        for path in lacking if alone else [(*model.path, "resources", "cpuLimit")]:
            yield Mistake(
                path=path,
                message=f"is missing; the quota of team {quote(model.team)} has limits.cpu, to which every pod"
                " counts with a limit of its own",
            )
