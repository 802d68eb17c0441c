"""`python -m review.comment report.md ...`: put reports on a pull request, as one comment that is updated.

Standard library only, and nothing else of this package but the marker: in CI it runs with a token that may write, from
the base branch's files, in a job that runs nothing of the pull request's.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["LIMIT", "MARKER", "CommentError", "cut", "joined", "main", "post"]

MARKER = "<!-- ml-platform: preview -->"
# The longest comment that GitHub takes, in characters, less a margin for the words around.
LIMIT = 65_536 - 2_000
_PAGE = 100
_SECONDS = 30
_NOTHING = "## Preview\n\nNo preview was made; the log of its run says why."


class CommentError(Exception):
    """The comment could not be written; the message says why."""


def post(body: str, *, api: str, token: str, repository: str, number: int) -> str:
    """Write the comment, or write it anew where it stands already; return its address. Raises CommentError."""
    if MARKER not in body:
        body = f"{MARKER}\n{body}"
    root = f"{api}/repos/{repository}/issues"
    ours = [one for one in _comments(f"{root}/{number}/comments", token) if _is_ours(one)]
    if ours:
        answer = _request("PATCH", f"{root}/comments/{ours[0]['id']}", token, {"body": body})
    else:
        answer = _request("POST", f"{root}/{number}/comments", token, {"body": body})
    return str(answer.get("html_url", ""))


def joined(sections: Sequence[str]) -> str:
    """Put sections into one comment; where they are too long, each is cut to its share, and says so."""
    room = LIMIT // max(len(sections), 1)
    long = sum(map(len, sections)) > LIMIT
    return "\n\n".join([MARKER, *(cut(each, room) if long else each for each in sections)]) + "\n"


def cut(text: str, room: int) -> str:
    """Shorten a section where it is longest, in its diff at the end, and close what was open."""
    if len(text) <= room:
        return text
    kept = text[: room - 400].rpartition("\n")[0]
    fences = [line for line in kept.splitlines() if line.startswith("```")]
    closing = [fences[-1].rstrip("abcdefghijklmnopqrstuvwxyz")] if len(fences) % 2 else []
    closing += ["</details>"] * (kept.count("<details>") - kept.count("</details>"))
    return "\n".join(
        [kept, *closing, "", f"*Cut: all of it has {len(text):,} characters; the run's own log has them.*"]
    )


def _is_ours(comment: Mapping[str, Any]) -> bool:
    """Tell our comment by its marker, and by its author: a person's that quotes ours is left alone."""
    return str(comment.get("body", "")).startswith(MARKER) and (comment.get("user") or {}).get("type") == "Bot"


def _comments(address: str, token: str) -> Iterator[Mapping[str, Any]]:
    page = 1
    while True:
        found = _request("GET", f"{address}?per_page={_PAGE}&page={page}", token)
        yield from found
        if len(found) < _PAGE:
            return
        page += 1


def _request(method: str, address: str, token: str, body: Mapping[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        address,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise CommentError(f"{method} {address}: {error.code} {error.read().decode(errors='replace')[:300]}") from None
    except OSError as error:
        raise CommentError(f"{method} {address}: {error}") from None


def main(arguments: list[str]) -> int:
    """Post the files' text, in their order, as the environment of a workflow says where."""
    texts = [path.read_text(encoding="utf-8") for path in map(Path, arguments) if path.exists()]
    parts = [text.replace(MARKER, "").strip() for text in texts] or [_NOTHING]
    try:
        address = post(
            joined(parts),
            api=os.environ["GITHUB_API_URL"],
            token=os.environ["GITHUB_TOKEN"],
            repository=os.environ["GITHUB_REPOSITORY"],
            number=int(os.environ["PULL_REQUEST"]),
        )
    except KeyError as missing:
        sys.stderr.write(f"{missing} is not set: this is for a workflow of a pull request\n")
        return 2
    except CommentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{address}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
