"""The one reader of `pulumi.Config`: a stack's settings and the values of its secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from infra.settings.document import PREFIX, SECURE, Document, same_values
from infra.settings.errors import Mistake, SettingsError
from infra.settings.settings import Settings

if TYPE_CHECKING:
    import pulumi

__all__ = ["load", "secret_texts", "secret_values", "stack_file"]

_PROJECT = PREFIX.removesuffix(":")


def stack_file(root: Path, stack: str) -> Path:
    """Return the path of a stack's file: in `stackConfigDir` of the project file, as the engine finds it."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8"))
    return root / (project.get("stackConfigDir") or ".") / f"Pulumi.{stack}.yaml"


def load() -> Settings:
    """Read and validate the configuration of the stack that runs.

    Raises pulumi.RunError, which the engine shows without a traceback, with every mistake and its line where the
    stack's file can be read.
    """
    import pulumi

    values, misplaced = _from_engine()
    document = _document(values)
    try:
        if document is not None:
            return Settings.of(document)
        return _parse_without_file(values, misplaced)
    except SettingsError as error:
        count = len(error.mistakes)
        heading = (
            "the stack's configuration has a mistake"
            if count == 1
            else (f"the stack's configuration has {count} mistakes")
        )
        raise pulumi.RunError(f"{heading}; nothing was touched:\n{error}") from None


def secret_values(settings: Settings) -> Mapping[str, pulumi.Output[str]]:
    """Return the value of each secret, marked as secret. Only where an Output is wanted: never looked at here."""
    import pulumi

    if not settings.secrets:
        return {}
    held = pulumi.Config(_PROJECT).require_secret_object("secrets")
    return {name: _value(held, name) for name in settings.secrets}


class _Hidden(Mapping[str, str]):
    """Texts by name that no log, traceback or assertion shows."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: [secret]' for name in self._texts)}}}"


def secret_texts(settings: Settings) -> Mapping[str, str]:
    """Return the plain text of each secret, for the one purpose of naming an object by its content.

    The engine marks nothing as secret here: whoever hands a text on does it. Raises KeyError for a secret that the
    engine does not have, which only happens without it.
    """
    from pulumi.runtime.config import get_config

    held = _decoded(get_config(f"{PREFIX}secrets")) if settings.secrets else {}
    return _Hidden({name: str(held[name]) for name in settings.secrets})


def _value(held: pulumi.Output[Any], name: str) -> pulumi.Output[str]:
    return held.apply(lambda values: str(values[name]))


def _from_engine() -> tuple[dict[str, Any], list[Mistake]]:
    """Return the configuration as the engine gave it, without any secret value, and what was secret by mistake.

    It reads below `pulumi.Config`, which cannot list keys, warns of a secret that is read as plain text, and wraps it
    in an Output although only its names are wanted.
    """
    from pulumi.runtime.config import CONFIG, get_config, get_config_env, is_config_secret

    values: dict[str, Any] = {}
    misplaced: list[Mistake] = []
    for full in sorted({*CONFIG.get(), *get_config_env()}):
        if not full.startswith(PREFIX):
            continue
        key = full.removeprefix(PREFIX)
        if key == "secrets":
            values[key] = _names_only(get_config(full), secure=is_config_secret(full))
        elif is_config_secret(full):
            misplaced.append(
                Mistake(
                    path=(key,),
                    message=f"a secure value inside makes all of {key} unreadable without the passphrase; put it under"
                    " ml-platform:secrets and name it in secretEnv",
                )
            )
        else:
            values[key] = _decoded(get_config(full))
    return values, misplaced


def _names_only(text: object, *, secure: bool) -> Any:
    held = _decoded(text)
    if isinstance(held, Mapping):
        return dict.fromkeys(held, SECURE if secure else "")
    return SECURE if secure else held


def _decoded(text: object) -> Any:
    if not isinstance(text, str):
        return text
    try:
        held = json.loads(text)
    except ValueError:
        return text
    return held if isinstance(held, dict) else text


def _document(values: Mapping[str, Any]) -> Document | None:
    """Return the stack's file where it can be read and says what the engine says (`--config-file` names another)."""
    import pulumi

    try:
        path = stack_file(Path(pulumi.get_root_directory()), pulumi.get_stack())
        document = Document.read(path, str(path.relative_to(pulumi.get_root_directory())))
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return None
    said = {key: value for key, value in document.values.items() if key in values}
    return document if same_values(said, values) else None


def _parse_without_file(values: Mapping[str, Any], misplaced: list[Mistake]) -> Settings:
    try:
        settings = Settings.parse(values)
    except SettingsError as error:
        hidden = {mistake.path for mistake in misplaced}
        raise SettingsError([*misplaced, *(one for one in error.mistakes if one.path not in hidden)]) from None
    if misplaced:
        raise SettingsError(misplaced)
    return settings
