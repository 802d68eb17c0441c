"""What can be judged: YAML as kubectl takes it, what helm and kustomize print, a stack's export, a preview's JSON."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from policies.rules.concealed import Concealed
from policies.rules.namespaced import NAMESPACED
from policies.unwrap import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Source", "UnreadableError", "files", "read"]

# The C parser is ten times as fast, and not in every build of PyYAML.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ENDINGS = (".yaml", ".yml", ".json")
_HIDDEN = "[secret]"  # what a preview's JSON shows of a secret


class UnreadableError(ValueError):
    """A file is none that can be judged; the message says which, and why."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One resource, and where it was found."""

    type: str
    properties: dict[str, Any]
    where: str
    """The URN, or the file and the number of its document; different for each."""
    file: str
    of_state: bool
    """It is one of Pulumi's, with its secrets marked."""


def files(paths: Iterable[str]) -> Iterator[str]:
    """Find the files: each that is named, and all of a folder's.

    Raises:
        UnreadableError: there is none.

    """
    for path in paths:
        if path != "-" and Path(path).is_dir():
            found = sorted(str(each) for each in Path(path).rglob("*") if each.suffix in _ENDINGS)
            if not found:
                raise UnreadableError(f"{path}: no file that ends with {', '.join(_ENDINGS)}")
            yield from found
        else:
            yield path


def read(file: str, *, namespace: str | None = None) -> list[Source]:
    """Read what can be judged from a file; `-` is the standard input.

    Args:
        file: its path.
        namespace: where objects of plain YAML go that name no namespace, as `kubectl -n` and `helm -n` have it.

    Raises:
        UnreadableError: it cannot be read, or is something else.

    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        documents = list(yaml.load_all(text, Loader=_LOADER))
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        raise UnreadableError(f"{file}: no YAML: {' '.join(str(error).split())}") from None
    found: list[Source] = []
    for number, document in enumerate(documents):
        if document is None:
            continue  # what a template renders to nothing
        if not isinstance(document, dict):
            raise UnreadableError(f"{file}: document {number + 1} is no object")
        found += _document(document, file, number, namespace)
    return found


def _document(document: dict[str, Any], file: str, number: int, namespace: str | None) -> list[Source]:
    if "deployment" in document:
        kept = (document["deployment"] or {}).get("resources") or []
        return [_of_state(each, file) for each in kept if not each.get("delete")]
    if "steps" in document:
        return [_of_state(step["newState"], file) for step in document["steps"] if step.get("newState")]
    if not isinstance(document.get("kind"), str) or not isinstance(document.get("apiVersion"), str):
        raise UnreadableError(
            f"{file}: document {number + 1} is neither an object of Kubernetes (apiVersion, kind), nor what"
            " `pulumi stack export` or `pulumi preview --json` prints"
        )
    properties = plain(document)
    if namespace is not None:
        _place(properties, namespace)
    return [
        Source(
            type=f"kubernetes:{document['apiVersion']}:{document['kind']}",
            properties=properties,
            where=f"{file}#{number}",
            file=file,
            of_state=False,
        )
    ]


def _place(manifest: dict[str, Any], namespace: str) -> None:
    for item in manifest.get("items") or ():
        if isinstance(item, dict):
            _place(item, namespace)
    if manifest.get("kind") in NAMESPACED:
        metadata = manifest.setdefault("metadata", {})
        if isinstance(metadata, dict) and not metadata.get("namespace"):
            metadata["namespace"] = namespace


def _of_state(resource: dict[str, Any], file: str) -> Source:
    inputs = _marked(plain(resource.get("inputs") or resource.get("outputs") or {}))
    return Source(type=str(resource.get("type")), properties=inputs, where=resource["urn"], file=file, of_state=True)


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _marked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner) for inner in value]
    return Concealed(value) if value == _HIDDEN else value
