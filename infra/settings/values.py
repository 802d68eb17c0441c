"""The plain kinds of value: frozen mappings, text, names, JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from infra.settings.checked import Matching, Shape
from infra.settings.errors import quote

__all__ = [
    "LABEL_LENGTH",
    "EnvName",
    "FrozenMap",
    "Host",
    "Json",
    "Name",
    "Section",
    "ServiceName",
    "Text",
    "UrlPath",
    "VersionName",
    "empty",
    "freeze",
    "frozen",
    "plain",
    "whole_number_as_text",
]

LABEL_LENGTH = 63
"""The longest DNS label (RFC 1123), and with it namespace, Service and label value in Kubernetes."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_HOST = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_URL_PATH = re.compile(r"/[!-~]*")

_HOST_LENGTH = 253  # a DNS name as a whole, RFC 1123

_K = TypeVar("_K")
_V = TypeVar("_V")


class Section(BaseModel):
    """A mapping of the configuration whose keys are known: frozen, camelCase, nothing unknown, nothing coerced."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        # "2" is not 2 and true is not 1: a value of the wrong kind is a mistake to show, not to guess at.
        strict=True,
        alias_generator=to_camel,
        # An input may be a secret that was put in the wrong place; pydantic would print it.
        hide_input_in_errors=True,
    )


def frozen(values: Mapping[_K, _V]) -> Mapping[_K, _V]:
    """Return a read-only copy."""
    return MappingProxyType(dict(values))


def empty() -> Mapping[Any, Any]:
    """Return the read-only empty mapping, a default."""
    return MappingProxyType({})


FrozenMap = Annotated[Mapping[_K, _V], AfterValidator(frozen), PlainSerializer(dict)]
"""A mapping with names of the user's choice, read-only once it is validated."""


def freeze(value: Any) -> Any:
    """Return a JSON value with mappings read-only and lists as tuples, all the way down."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value


def plain(value: Any) -> Any:
    """Undo `freeze`: dicts and lists, as `json.dumps` and comparisons with a decoded answer want them."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


Json = Annotated[Any, AfterValidator(freeze), PlainSerializer(plain)]
"""Any JSON value, deeply frozen; `plain` thaws it."""


def whole_number_as_text(value: object) -> object:
    """Take 8 for "8", as `pulumi config set --path` stores a number; refuse what would lose digits.

    YAML and JSON read 1.10 as the number 1.1, so that a version 1.10 would silently become another one.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        raise PydanticCustomError("fraction", "a fraction loses digits")
    return value


def _matching(pattern: re.Pattern[str], words: str, allowed: str, longest: int) -> Matching:
    def check(value: str) -> str:
        if len(value) > longest:
            raise ValueError(f"{quote(value)} has {len(value)} characters; at most {longest} are allowed")
        if not pattern.fullmatch(value):
            raise ValueError(f"bad name {quote(value)}; allowed: {allowed}")
        return value

    return Matching(check, words=words, pattern=pattern.pattern, maxLength=longest)


Text = Annotated[str, BeforeValidator(whole_number_as_text), Shape(words="text", type=["string", "integer"])]
"""Text; a whole number is taken as its digits."""

Name = Annotated[
    Text,
    _matching(
        _NAME,
        "name of lower-case letters, digits and `-`",
        "lower-case letters, digits and '-', beginning and ending with a letter or digit (DNS-1123 label)",
        LABEL_LENGTH,
    ),
]

ServiceName = Annotated[
    Text,
    _matching(
        _SERVICE_NAME,
        "name of lower-case letters, digits and `-` that begins with a letter",
        "lower-case letters, digits and '-', beginning with a letter, ending with a letter or digit"
        " (DNS-1035 label, as a Service's name)",
        LABEL_LENGTH,
    ),
]

Host = Annotated[str, _matching(_HOST, "DNS name", "a DNS name in lower case, such as churn.example.com", _HOST_LENGTH)]

VersionName = Annotated[
    Text,
    _matching(
        _LABEL_VALUE,
        "name of letters, digits, `-`, `_` and `.`",
        "letters, digits, '-', '_' and '.', beginning and ending with a letter or digit (a label's value)",
        LABEL_LENGTH,
    ),
]

EnvName = Annotated[
    str, _matching(_ENV_NAME, "variable's name", "letters, digits and '_', not beginning with a digit", _HOST_LENGTH)
]


def _url_path(value: str) -> str:
    if not _URL_PATH.fullmatch(value):
        raise ValueError(f"bad path {quote(value)}; allowed: a URL path that begins with '/', without spaces")
    return value


UrlPath = Annotated[str, Matching(_url_path, words="URL path", pattern=_URL_PATH.pattern)]
