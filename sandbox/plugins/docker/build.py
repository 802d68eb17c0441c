"""Build an image with a Docker engine and push it, telling each step as it comes."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.plugins.docker.registry import credentials

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.plugins.docker.inputs import Image
    from sandbox.plugins.docker.registry import Credentials

__all__ = ["BuildError", "Builder"]

# docker.APIClient, whose stubs know neither a missing time limit nor half of what it returns.
Client = Any

# Lines of a failed build that are repeated in its error: the step that failed and what it said.
_REMEMBERED_LINES = 30
# The first-generation builder paints what a step writes to stderr; our lines may end up in files.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# A layer's transfer is told so often; the Docker engine itself tells it many times a second.
_PROGRESS_SECONDS = 2.0


class BuildError(Exception):
    """A build or a push that failed, with the end of what the Docker engine said."""


@dataclass(frozen=True, kw_only=True)
class Builder:
    """A Docker engine to build with."""

    host: str | None
    """Where it listens; None for what DOCKER_HOST and its companions say, or Docker's own default."""
    known_credentials: Mapping[str, Credentials]
    cancelled: threading.Event
    """Ends a build at its next line of output."""

    def build(self, image: Image, *, status: Callable[[str], None], warn: Callable[[str], None]) -> str:
        """Build an image, push it unless it is to stay, and return its `repoDigest`.

        That is `repository@sha256:...` of what was pushed, or the image's id when nothing was.

        Raises:
            BuildError: no Docker engine answers, a step of the build failed, or the registry refused.

        """
        import docker.errors  # the half of this provider's start that a run without changes does not need

        try:
            client = self._client()
            auth = credentials(image, self.known_credentials)
            if auth is not None:
                # Also for base images of the same registry. The library has no public way but a login, which would
                # write to the user's own settings and needs the registry to be reachable from here.
                client._auth_configs.add_auth(auth.server, auth.as_auth())  # noqa: SLF001
            for cached in image.cache_from:
                self._pull(client, cached, image, auth, status=status, warn=warn)
            self._run(client, image, status=status)
            if image.skip_push:
                return str(client.inspect_image(image.name)["Id"])
            return self._push(client, image, auth, status=status)
        except docker.errors.DockerException as error:
            raise BuildError(_reason(error)) from error

    def _client(self) -> Client:
        import docker
        import docker.utils

        settings = docker.utils.kwargs_from_env(os.environ)
        if self.host:
            settings["base_url"] = self.host
        # No time limit: a step may be silent for as long as it computes. Ctrl-C ends it.
        return docker.APIClient(version="auto", timeout=None, **settings)  # type: ignore[arg-type]

    def _pull(
        self,
        client: Client,
        cached: str,
        image: Image,
        auth: Credentials | None,
        *,
        status: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        """Fetch an image to take layers from; without it the build is slower, and that is all."""
        import docker.errors

        status(f"pulling {cached}")
        try:
            events = client.pull(
                cached,
                stream=True,
                decode=True,
                platform=image.platform,
                auth_config=auth.as_auth() if auth else None,
            )
            _follow(events, status, self.cancelled)
        except (docker.errors.APIError, BuildError) as error:
            warn(f"cacheFrom {cached}: {_reason(error)}")

    def _run(self, client: Client, image: Image, *, status: Callable[[str], None]) -> None:
        status("building")
        with image.context.archive() as archive:
            events = client.build(
                fileobj=archive,
                custom_context=True,
                dockerfile=image.context.dockerfile_name(),
                tag=image.name,
                buildargs=dict(image.args),
                target=image.target,
                platform=image.platform,
                cache_from=list(image.cache_from),
                network_mode=image.network,
                extra_hosts=dict(image.add_hosts),
                rm=True,
                forcerm=True,
                decode=True,
            )
            _follow(events, status, self.cancelled)

    def _push(self, client: Client, image: Image, auth: Credentials | None, *, status: Callable[[str], None]) -> str:
        status("pushing")
        events = client.push(image.name, stream=True, decode=True, auth_config=auth.as_auth() if auth else None)
        pushed = _follow(events, status, self.cancelled)
        digest = pushed.get("Digest")
        if not digest:
            raise BuildError(f"the registry named no digest for {image.name}")
        repository = _repository(image.name)
        names = client.inspect_image(image.name).get("RepoDigests") or []
        # The Docker engine's own spelling, which drops docker.io, if it is of this repository and this push.
        own = (name for name in names if name.endswith(f"@{digest}") and repository.endswith(name.partition("@")[0]))
        return next(own, f"{repository}@{digest}")


def _follow(
    events: Iterable[dict[str, Any]], status: Callable[[str], None], cancelled: threading.Event
) -> dict[str, Any]:
    """Report events until they end, and return what they said of the result.

    Raises:
        BuildError: an event is an error, or the engine was told to stop.

    """
    said: deque[str] = deque(maxlen=_REMEMBERED_LINES)
    result: dict[str, Any] = {}
    last_progress = 0.0
    for event in events:
        if cancelled.is_set():
            raise BuildError("cancelled")
        if "error" in event:
            raise BuildError("\n".join([*said, str(event["error"])]))
        result |= event.get("aux") or {}
        if event.get("progressDetail"):
            if time.monotonic() - last_progress > _PROGRESS_SECONDS:
                last_progress = time.monotonic()
                status(_progress(event))
        elif text := _text(event):
            status(text)
            said.append(text)
    return result


def _text(event: Mapping[str, Any]) -> str:
    """Return what an event says, without the lines that name intermediate layers only."""
    if "stream" in event:
        text = _COLOURS.sub("", str(event["stream"])).strip()
        return "" if text.startswith(("--->", "Removing intermediate")) else text
    return " ".join(str(event[key]) for key in ("id", "status") if event.get(key))


def _progress(event: Mapping[str, Any]) -> str:
    detail = event["progressDetail"]
    total = detail.get("total")
    share = f"{100 * detail.get('current', 0) // total} %" if total else f"{detail.get('current', 0)} bytes"
    return f"{_text(event)} {share}"


def _repository(name: str) -> str:
    """Return an image's name without its tag; a colon before the last slash belongs to a port."""
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition('@')[0].partition(':')[0]}"


def _reason(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    return str(explanation or error)
