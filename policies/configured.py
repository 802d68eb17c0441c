"""What is configured of the pack: by the file beside it, and by Pulumi's own policy configuration on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import yaml

from policies.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.rules import Rule

__all__ = ["CONFIGURATION", "LEVELS", "ConfigurationError", "Configured", "Level", "read"]

CONFIGURATION = Path(__file__).parent / "configuration.yaml"
"""The file beside the pack."""

Level = Literal["mandatory", "advisory", "disabled"]
LEVELS: tuple[Level, ...] = get_args(Level)

_RULES = {rule.id: rule for rule in RULES}
_KEYS = ("kubernetes", "notChecked", "rules")


class ConfigurationError(ValueError):
    """A file of the pack is wrong; the message has every mistake, a line each."""


@dataclass(frozen=True, kw_only=True)
class Configured:
    """Every rule's level and options."""

    kubernetes: str = "1.36"
    not_checked: Literal["report", "fail"] = "report"
    """What a value means that a preview does not know."""
    levels: Mapping[str, Level] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def level(self, rule: Rule) -> Level:
        """Return how strict a rule is: mandatory, unless something else is said."""
        return self.levels.get(rule.id, "mandatory")

    def chosen(self, rule: Rule) -> dict[str, Any]:
        """Return what is configured of a rule's options; the pack's Kubernetes version is one of theirs."""
        common = {"kubernetes": self.kubernetes} if "kubernetes" in rule.options else {}
        return common | dict(self.options.get(rule.id, {}))

    def changed(self, rule: str, level: Level | None, options: Mapping[str, Any]) -> Configured:
        """Return this with one rule's level and options changed.

        Raises:
            ConfigurationError: there is no such rule or option, or a value is none of its type.

        """
        mistakes = list[str]()
        read_options = _options(rule, options, mistakes)
        if mistakes:
            raise ConfigurationError("\n".join(mistakes))
        return Configured(
            kubernetes=self.kubernetes,
            not_checked=self.not_checked,
            levels={**self.levels, **({rule: level} if level else {})},
            options={**self.options, rule: {**self.options.get(rule, {}), **read_options}},
        )


def read(path: Path = CONFIGURATION) -> Configured:
    """Read the pack's configuration; a file that is not there configures nothing.

    Raises:
        ConfigurationError: the file is wrong.

    """
    if not path.exists():
        return Configured()
    held = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    mistakes = list[str]()
    if not isinstance(held, Mapping):
        raise ConfigurationError(f"{path.name}: allowed: {', '.join(_KEYS)}")
    _allowed(path.name, held, _KEYS, mistakes)
    kubernetes, not_checked = held.get("kubernetes", "1.36"), held.get("notChecked", "report")
    if not isinstance(kubernetes, str):
        mistakes.append(f'{path.name}: kubernetes: write "{kubernetes}" in quotes: 1.30 without is the number 1.3')
    if not_checked not in ("report", "fail"):
        mistakes.append(f"{path.name}: notChecked: {not_checked!r}; allowed: report, fail")
    levels: dict[str, Level] = {}
    options: dict[str, dict[str, Any]] = {}
    for rule, said in (held.get("rules") or {}).items():
        given = dict(said) if isinstance(said, Mapping) else {"level": said}
        level = given.pop("level", None)
        if level is not None and level not in LEVELS:
            mistakes.append(f"{path.name}: rules.{rule}.level: {level!r}; allowed: {', '.join(LEVELS)}")
        elif level is not None:
            levels[rule] = level
        options[rule] = _options(rule, given, mistakes)
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    return Configured(kubernetes=kubernetes, not_checked=not_checked, levels=levels, options=options)


def _options(rule: str, given: Mapping[str, Any], mistakes: list[str]) -> dict[str, Any]:
    if rule not in _RULES:
        mistakes.append(f"rules.{rule}: there is no such rule")
        return {}
    known = _RULES[rule].options
    _allowed(f"rules.{rule}", given, known, mistakes)
    values = {}
    for name, value in given.items():
        if name in known:
            try:
                values[name] = known[name].read(value)
            except ValueError as error:
                mistakes.append(f"rules.{rule}.{name}: {error}")
    return values


def _allowed(where: str, given: Mapping[str, Any], known: Iterable[str], mistakes: list[str]) -> None:
    names = list(known)
    mistakes.extend(
        f"{where}.{name}: unknown; allowed: {', '.join(names) or 'nothing but level'}"
        for name in given
        if name not in names
    )
