"""The smoke request: what is asked of a slot before it gets the load, and whether the answer will do.

Pure: sending it is the gate's.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Smoke", "misses"]

_SHOWN = 120


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """One request and what its answer must be.

    `{version}` in `path`, `body` and `json` stands for the slot's version. A `body` is sent as JSON by POST;
    None is a GET. `json` is what the answer must contain; None takes any body. `within` is in seconds.
    """

    path: str
    body: Any = None
    status: int = 200
    json: Any = None
    within: float = 10.0

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "GET" if self.body is None else "POST"

    def for_version(self, version: str) -> Smoke:
        """Put a slot's version in place of `{version}`."""
        return replace(
            self,
            path=self.path.replace("{version}", version),
            body=_with_version(self.body, version),
            json=_with_version(self.json, version),
        )

    def judge(self, status: int, body: bytes) -> str | None:
        """Say what is wrong with an answer, or None when it is as expected."""
        if status != self.status:
            return f"answered {status} where {self.status} is expected: {_shown(body)}"
        if self.json is None:
            return None
        try:
            answer = jsonlib.loads(body)
        except ValueError:
            return f"answered no JSON: {_shown(body)}"
        missing = misses(self.json, answer)
        return None if missing is None else f"answered {status}, but {missing}"


def misses(expected: Any, answer: Any, path: str = "") -> str | None:
    """Say where an answer does not contain what is expected; None where it does.

    Mappings may have more keys than expected; lists have the same length and order; numbers compare by
    value and never equal booleans, as in JSON.
    """
    other = f"{path.removeprefix('.') or 'the answer'} is {_brief(answer)} where {_brief(expected)} is expected"
    inner: Iterator[str | None] = iter(())
    if isinstance(expected, Mapping):
        if not isinstance(answer, Mapping):
            return other
        absent = [key for key in expected if key not in answer]
        if absent:
            return f"{f'{path}.{absent[0]}'.removeprefix('.')} is missing ({_brief(expected[absent[0]])} is expected)"
        inner = (misses(value, answer[key], f"{path}.{key}") for key, value in expected.items())
    elif isinstance(expected, list | tuple):
        if not isinstance(answer, list) or len(answer) != len(expected):
            return other
        pairs = zip(expected, answer, strict=True)
        inner = (misses(value, item, f"{path}[{index}]") for index, (value, item) in enumerate(pairs))
    elif isinstance(expected, bool) is not isinstance(answer, bool) or expected != answer:
        return other
    return next((missing for missing in inner if missing is not None), None)


def _with_version(value: Any, version: str) -> Any:
    if isinstance(value, str):
        return value.replace("{version}", version)
    if isinstance(value, Mapping):
        return {key: _with_version(item, version) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_version(item, version) for item in value]
    return value


def _brief(value: Any) -> str:
    return _cut(jsonlib.dumps(value, default=dict))


def _shown(body: bytes) -> str:
    text = " ".join(body.decode(errors="replace").split())
    return _cut(text) if text else "an empty body"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
