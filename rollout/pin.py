"""`python -m rollout.pin churn 8 --from staging --to prod`: the digest that serves there, into the other file.

So that an environment runs the very image that another one has proved, and a pull request shows which.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.settings import Document, Settings, SettingsError, stack_file
from infra.settings.errors import did_you_mean, quoted_list
from rollout.engine import EngineError, Pulumi
from rollout.stack_text import TextError, entry, with_entry, with_image
from rollout.target import RefusedError, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.settings import Model

__all__ = ["main", "pin", "serving_image"]

_ROOT = Path(__file__).resolve().parent.parent
_DIGEST = "@sha256:"


def pin(root: Path, model: str, version: str, *, source: str, target: str, outputs: Callable[[], Any]) -> str:
    """Write the image and return the change as a unified diff, empty where it stood there already.

    `outputs` gives the source stack's output `models`; it is called only for a version that is built there. Raises
    RefusedError, and touches nothing, where the version does not serve in the source, where the target has it with
    another digest, or where its file would no longer be right.
    """
    there = read_settings(root, source)
    image = serving_image(there, model, version, stack=source, outputs=outputs)
    here = read_settings(root, target)
    pinned = _model(here, model, target).versions.get(version)
    if pinned is not None and pinned.image is not None:
        if _digest(pinned.image) == _digest(image):
            return ""
        raise RefusedError(
            f"version {version} of {model} is {pinned.image} in {target}, and {_digest(image)} serves in {source}: a"
            " version is never changed; add one with a name of its own"
        )
    path, keys = stack_file(root, target), ("config", "ml-platform:models", model, "versions")
    text = _read(path)
    try:
        if pinned is not None:
            changed = with_image(text, keys, version, image)
        else:
            written = _read(stack_file(root, source))
            changed = with_entry(text, keys, entry(with_image(written, keys, version, image), keys, version))
    except TextError as error:
        raise RefusedError(f"{path.name}: {error}") from None
    name = str(path.relative_to(root))
    _refuse_other_changes(text, changed, name, model=model, version=version)
    # In one step, so that nobody reads half a file.
    beside = path.with_suffix(".yaml.new")
    beside.write_bytes(changed.encode())
    beside.chmod(path.stat().st_mode)
    beside.replace(path)
    return "".join(
        difflib.unified_diff(text.splitlines(keepends=True), changed.splitlines(keepends=True), name, name, n=2)
    )


def serving_image(settings: Settings, model: str, version: str, *, stack: str, outputs: Callable[[], Any]) -> str:
    """Return the image that serves in a stack, as its file would name it: relative to the registry, by digest.

    Raises RefusedError where another version serves, or where nobody knows the digest.
    """
    declared = _model(settings, model, stack)
    if version not in declared.versions:
        raise RefusedError(
            f"no version {version} of {model} in {stack}; known: {quoted_list(declared.versions)}"
            f"{did_you_mean(version, list(declared.versions))}"
        )
    if declared.serving != version:
        raise RefusedError(f"version {version} of {model} does not serve in {stack}; {declared.serving} does")
    if (image := declared.versions[version].image) is not None:
        return image
    built = _built(outputs(), model, version)
    if built is None:
        raise RefusedError(
            f"version {version} of {model} is built in {stack}, and the stack's output has no digest of it: pulumi up"
            f" -s {stack} first"
        )
    name, _, digest = built.removeprefix(f"{settings.registry}/").partition("@")
    # The digest says which image it is; a tag beside it can only lie.
    last = name.rpartition("/")[2]
    return f"{name.removesuffix(':' + last.partition(':')[2]) if ':' in last else name}@{digest}"


def _built(models: Any, model: str, version: str) -> str | None:
    """Find the digest of a version that serves in the ledger: its slots, or the model itself where it has none."""
    held = (models or {}).get(model) or {}
    slots = held.get("slots") or {}
    serving = slots.get(held.get("active")) or next(iter(slots.values()), held) if slots else held
    if str(serving.get("version")) != version:
        return None
    image = serving.get("image")
    return image if isinstance(image, str) and _DIGEST in image else None


def _model(settings: Settings, model: str, stack: str) -> Model:
    if model not in settings.models:
        known = list(settings.models)
        raise RefusedError(
            f"no model {model} in stack {stack}; known: {quoted_list(known)}{did_you_mean(model, known)}"
        )
    return settings.models[model]


def _refuse_other_changes(before: str, after: str, name: str, *, model: str, version: str) -> None:
    """Refuse a text that is no longer right, or that differs from the former in anything but this version."""
    try:
        Settings.of(document := Document.parse(after, name))
    except SettingsError as error:
        raise RefusedError(f"version {version} does not fit there, so nothing was written:\n{error}") from None
    former, now = Document.parse(before, name).values, document.values
    for values in (former, now):
        values["models"][model]["versions"].pop(version, None)
    if former != now:
        raise RefusedError(f"{name} cannot be changed without changing more than version {version}; edit it by hand")


def _digest(image: str) -> str:
    return image.partition("@")[2]


def _read(path: Path) -> str:
    return path.read_bytes().decode()  # line ends as they are


def main(
    model: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[str, typer.Argument(help="The version, which must serve in the first stack.")],
    source: Annotated[str, typer.Option("--from", help="The stack in which it serves.")],
    target: Annotated[str, typer.Option("--to", help="The stack whose file is written.")],
) -> None:
    """Write the digest that serves in one stack into another stack's file; nothing is deployed.

    Exit code: 0 it stands there; 2 refused, nothing was written.
    """
    engine = Pulumi(root=_ROOT, stack=source)
    try:
        change = pin(_ROOT, model, version, source=source, target=target, outputs=lambda: engine.output("models"))
    except (RefusedError, EngineError) as error:
        sys.stderr.write(f"refused: {error}\n")
        raise typer.Exit(2) from None
    if not change:
        sys.stdout.write(f"version {version} of {model} is pinned to that digest in {target} already\n")
        return
    sys.stdout.write(change)
    there, here = read_settings(_ROOT, source).registry, read_settings(_ROOT, target).registry
    if there != here:
        image = read_settings(_ROOT, target).models[model].versions[version].image or ""
        sys.stdout.write(f"the registries differ; copy the image: crane copy {there}/{image} {here}/{image}\n")
    sys.stdout.write(f"next: put the version into a slot of {target} and open a pull request (docs/new-version.md)\n")


if __name__ == "__main__":
    typer.run(main)
