"""Rules that span keys: what one part of the configuration says about another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.settings.document import SECURE
from infra.settings.errors import Mistake, did_you_mean, quote, quoted_list
from infra.settings.raw import RawModel, as_text, below, mapping, models
from infra.settings.values import LABEL_LENGTH

__all__ = ["inconsistencies"]

# A variable's name whose last word says that its value is secret. MAX_TOKENS and SORT_KEY are not among them.
_SECRET_NAME = re.compile(
    r"(?:.*_)?(?:PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY)", re.IGNORECASE
)

_DEFAULT_MIN = 2  # as `model.Scale.min`


def inconsistencies(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find every contradiction between keys. `raw` may be wrong in any way; what cannot be read is passed over."""
    yield from _namespaces(raw)
    for model in models(raw):
        yield from _names(model, raw)
        yield from _team(model, raw)
        yield from _slots(model)
        yield from _scale(model)
        yield from _sources(model)
        yield from _environment(model, raw)
    yield from _routes(raw)


def _namespaces(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    environment = as_text(raw.get("environment"))
    if environment is None:
        return
    for team in mapping(raw, "teams"):
        namespace = f"{team}-{environment}"
        if len(team) <= LABEL_LENGTH < len(namespace):
            yield Mistake(
                path=("teams", team),
                message=f"its namespace {quote(namespace)} would have {len(namespace)} characters; at most"
                f" {LABEL_LENGTH} are allowed",
            )
        if namespace.startswith("kube-"):
            yield Mistake(
                path=("teams", team),
                message=f"its namespace would be {quote(namespace)}; names that begin with kube- are Kubernetes' own",
            )


def _names(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    longest = f"{model.name}-green"
    if len(model.name) <= LABEL_LENGTH < len(longest):
        yield Mistake(
            path=("models", model.name),
            message=f"the slot {quote(longest)} would have {len(longest)} characters; at most {LABEL_LENGTH} are"
            f" allowed, so at most {LABEL_LENGTH - len('-green')} for the model",
        )
    stem, _, slot = model.name.rpartition("-")
    if slot in ("blue", "green") and as_text(below(raw, "models", stem, "team")) == model.team is not None:
        yield Mistake(
            path=("models", model.name),
            message=f"the name is taken by the {slot} slot of model {quote(stem)} in the same team; choose another",
        )


def _team(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    known = [str(team) for team in mapping(raw, "teams")]
    if model.team is not None and model.team not in known:
        yield Mistake(
            path=("models", model.name, "team"),
            message=f"unknown team {quote(model.team)}; known: {quoted_list(known)}{did_you_mean(model.team, known)}",
        )


def _slots(model: RawModel) -> Iterator[Mistake]:
    path = ("models", model.name)
    known = [str(name) for name in model.versions]
    for slot, version in model.filled.items():
        if version not in known:
            yield Mistake(
                path=(*path, "slots", slot),
                message=f"unknown version {quote(version)}; known: {quoted_list(known)}{did_you_mean(version, known)}",
            )
    slots = below(model.values, "slots")
    if below(model.values, "strategy") in ("rolling", "recreate"):
        return
    if slots is None:
        yield Mistake(path=(*path, "slots"), message='is missing; which version stands in which slot, as {blue: "7"}')
    if not isinstance(slots, Mapping):
        return
    empty = [slot for slot in ("blue", "green") if slots.get(slot) is None]
    active = model.values.get("active")
    if active is None and not empty:
        yield Mistake(path=(*path, "active"), message="is missing; both slots are filled, so name the one that serves")
    if len(empty) == 2:  # noqa: PLR2004  both of the two slots
        yield Mistake(path=(*path, "slots"), message="both slots are empty; put a version into blue or green")
    elif active in empty:
        other = "green" if active == "blue" else "blue"
        yield Mistake(
            path=(*path, "active"),
            message=f"slot {quote(active)} is empty; put a version into slots.{active}, or name {quote(other)}",
        )


def _scale(model: RawModel) -> Iterator[Mistake]:
    least, most = below(model.values, "scale", "min"), below(model.values, "scale", "max")
    given = least is not None
    least = least if given else _DEFAULT_MIN
    if isinstance(least, int) and isinstance(most, int) and least > most >= 1:
        said = f"min is {least}" if given else f"min is {least} by default"
        yield Mistake(
            path=("models", model.name, "scale", "min" if given else "max"),
            message=f"{said} and above max, {most}; allowed: min up to max",
        )


def _sources(model: RawModel) -> Iterator[Mistake]:
    for name, version in model.versions.items():
        if not isinstance(version, Mapping):
            continue
        path = ("models", model.name, "versions", str(name))
        image, build = version.get("image") is not None, version.get("build") is not None
        if image and build:
            yield Mistake(path=path, message="image and build exclude each other; keep one")
        elif not image and not build:
            yield Mistake(path=path, message="needs image (name@sha256:...) or build ({context: ...})")


def _environment(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    secrets = [str(name) for name in mapping(raw, "secrets")]
    holders: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [(("models", model.name), model.values)]
    for name, version in model.versions.items():
        if isinstance(version, Mapping):
            holders.append((("models", model.name, "versions", str(name)), version))
    for path, holder in holders:
        for variable, value in mapping(holder, "secretEnv").items():
            secret = as_text(value)
            if secret is not None and secret not in secrets:
                yield Mistake(
                    path=(*path, "secretEnv", variable),
                    message=f"unknown secret {quote(secret)}; known: {quoted_list(secrets)}; set it with: pulumi config"
                    f" set --secret --path ml-platform:secrets.{secret}",
                )
            if variable in mapping(holder, "env") or variable in mapping(model.values, "env"):
                yield Mistake(path=(*path, "secretEnv", variable), message="also stands in env; keep one")
        for variable, value in mapping(holder, "env").items():
            if value is not SECURE and _SECRET_NAME.fullmatch(variable):
                yield Mistake(
                    path=(*path, "env", variable),
                    message="looks like a secret in plain text; put it under ml-platform:secrets (pulumi config set"
                    " --secret --path), name it in secretEnv, and change it wherever it was valid",
                )


def _routes(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    owner: dict[str, str] = {}
    for model in models(raw):
        host = below(model.values, "route", "host")
        if not isinstance(host, str):
            continue
        if host in owner:
            yield Mistake(
                path=("models", model.name, "route", "host"),
                message=f"{quote(host)} already leads to model {quote(owner[host])}; give each model its own host",
            )
        owner.setdefault(host, model.name)
