"""Names that Kubernetes would refuse, or that two things would share; teams that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.settings.errors import Mistake, did_you_mean, quote, quoted_list, show_path
from infra.settings.rules.raw import RawModel, as_text, below, mapping
from infra.settings.strategy import SLOTS
from infra.settings.values import LABEL_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.errors import KeyPath

__all__ = ["model_names", "namespaces"]


def namespaces(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find namespaces that could not have their names, and two that would have the same."""
    environment = as_text(raw.get("environment"))
    if environment is None:
        return
    taken: dict[str, str] = {}
    for path, parts in _named(raw):
        namespace = "-".join((*parts, environment))
        if all(len(part) <= LABEL_LENGTH for part in parts) and len(namespace) > LABEL_LENGTH:
            yield Mistake(
                path=path,
                message=f"its namespace {quote(namespace)} would have {len(namespace)} characters; at most"
                f" {LABEL_LENGTH} are allowed",
            )
        if namespace.startswith("kube-"):
            yield Mistake(
                path=path,
                message=f"its namespace would be {quote(namespace)}; names that begin with kube- are Kubernetes' own",
            )
        if namespace in taken:
            message = f"its namespace would be {quote(namespace)}, as that of {taken[namespace]}; choose another name"
            yield Mistake(path=path, message=message)
        taken.setdefault(namespace, show_path(path))


def _named(raw: Mapping[str, Any]) -> Iterator[tuple[KeyPath, tuple[str, ...]]]:
    """Go through all namespaces, those without any keys among them, with the parts of their names."""
    for team, values in mapping(raw, "teams").items():
        yield ("teams", team), (str(team),)
        for further in mapping(values, "namespaces"):
            yield ("teams", team, "namespaces", further), (str(team), str(further))


def model_names(model: RawModel, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find a model whose slots could not have their names, and one whose team is not there."""
    longest = f"{model.name}-green"
    if model.strategy == "blue-green" and len(model.name) <= LABEL_LENGTH < len(longest):
        yield Mistake(
            path=model.path,
            message=f"the slot {quote(longest)} would have {len(longest)} characters; at most {LABEL_LENGTH} are"
            f" allowed, so at most {LABEL_LENGTH - len('-green')} for the model",
        )
    stem, _, slot = model.name.rpartition("-")
    if slot in SLOTS:
        other = RawModel(stem, mapping(raw, "models", stem))
        if other.strategy == "blue-green" and other.team == model.team is not None:
            yield Mistake(
                path=model.path,
                message=f"the name is taken by the {slot} slot of model {quote(stem)} in the same team; choose another",
            )
    known = [str(team) for team in mapping(raw, "teams")]
    if model.team is not None and model.team not in known:
        yield Mistake(
            path=(*model.path, "team"),
            message=f"unknown team {quote(model.team)}; known: {quoted_list(known)}{did_you_mean(model.team, known)}",
        )
    if below(model.values, "versions") == {}:
        yield Mistake(path=(*model.path, "versions"), message="is empty; a model needs a version")
