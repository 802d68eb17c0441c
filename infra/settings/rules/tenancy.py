"""What a team says of its namespaces: quotas, priority classes, pull secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.settings.errors import KeyPath, Mistake, did_you_mean, quote, quoted_list
from infra.settings.rules.raw import RawSpace, as_amount, as_text, given, mapping, models, spaces
from infra.settings.team import is_count

__all__ = ["tenancy"]

_HEADROOM = "headroom"


def tenancy(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find quotas that bound nothing, and names of classes, secrets and accounts that are not there or taken."""
    classes = [str(name) for name in mapping(raw, "priorityClasses")]
    for space in spaces(raw):
        if space.further is not None:
            yield from _bounded(space)
        yield from _scoped(space, classes)
    for model in models(raw):
        if model.priority_class is not None and model.priority_class not in classes:
            yield _unknown((*model.path, "priorityClass"), model.priority_class, classes)
    if _HEADROOM in classes and mapping(raw, "headroom"):
        message = "is the name of the class of headroom's own pods; choose another"
        yield Mistake(path=("priorityClasses", _HEADROOM), message=message)
    for team, values in mapping(raw, "teams").items():
        yield from _pull_secrets(("teams", team), values, [str(name) for name in mapping(raw, "secrets")])
        if team == "deploy" and given(values, "deploy"):
            message = "its ServiceAccount would be called deploy, as the team's own; choose another name for the team"
            yield Mistake(path=("teams", team, "deploy"), message=message)


def _bounded(space: RawSpace) -> Iterator[Mistake]:
    """Find a further namespace without a bound of CPU or memory; the main one's quota is judged with the models."""
    quota = space.values.get("quota", {})
    if not isinstance(quota, Mapping):
        return
    for resource in ("cpu", "memory"):
        if f"requests.{resource}" not in quota and resource not in quota:
            yield Mistake(
                path=(*space.path, "quota", f"requests.{resource}"),
                message="is missing; without it one team can take the whole cluster",
            )
    yield from _whole((*space.path, "quota"), quota)


def _scoped(space: RawSpace, known: list[str]) -> Iterator[Mistake]:
    for name, hard in mapping(space.values, "priorityQuotas").items():
        path = (*space.path, "priorityQuotas", name)
        if name not in known:
            yield _unknown(path, name, known)
        if hard == {}:
            yield Mistake(path=path, message="is empty; a quota bounds something, such as pods")
        yield from _whole(path, mapping(hard))


def _unknown(path: KeyPath, name: str, known: list[str]) -> Mistake:
    return Mistake(
        path=path,
        message=f"unknown priority class {quote(name)}; known: {quoted_list(known)}{did_you_mean(name, known)};"
        " classes stand in ml-platform:priorityClasses",
    )


def _whole(path: KeyPath, quota: Mapping[str, Any]) -> Iterator[Mistake]:
    for key, value in quota.items():
        number = as_amount(value)
        if number is not None and is_count(key) and number != number.to_integral_value():
            yield Mistake(path=(*path, key), message=f"counts whole things; {quote(value)} is none")


def _pull_secrets(path: KeyPath, team: object, known: list[str]) -> Iterator[Mistake]:
    """Find a password that names no secret. It is not shown: it may be the password itself."""
    for name, login in mapping(team, "pullSecrets").items():
        password = as_text(mapping(login).get("password"))
        if password is not None and password not in known:
            yield Mistake(
                path=(*path, "pullSecrets", name, "password"),
                message=f"names no secret; known: {quoted_list(known)}; set it with: pulumi config set --secret --path"
                " ml-platform:secrets.registry-token, and name that here. If the password itself stands here, change it"
                " wherever it was valid",
            )
