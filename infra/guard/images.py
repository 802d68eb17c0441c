"""When two references name the same image. Pure."""

from __future__ import annotations

__all__ = ["same_image"]


def same_image(one: str, other: str) -> bool:
    """Whether two references name the same image.

    By digest where both have one: a mirror may have changed the registry's name in front of it. Without a
    digest only equal text will do, since a tag says nothing about what is behind it.
    """
    digests = [reference.partition("@")[2] for reference in (one, other)]
    return digests[0] == digests[1] if all(digests) else one == other
