"""Is a host there? Asked once a host and run, answered in seconds."""

from __future__ import annotations

import functools
import threading
import urllib.error
import urllib.parse
import urllib.request

__all__ = ["origin", "why_unreachable"]

# A host that answers does so in well under a second; the rest is for a slow proxy.
PROBE_SECONDS = 3.0


def origin(address: str) -> str:
    """Return scheme and host of an address: what is probed, and remembered."""
    parts = urllib.parse.urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def why_unreachable(address: str) -> str | None:
    """Return None when the address's host answers HTTP, or else the reason in a few words.

    Any HTTP answer counts, errors too. The request goes the way of every later one, through the
    proxies and with the CA bundle of the environment.
    """
    return _probe(origin(address))


@functools.cache
def _probe(host: str) -> str | None:
    answer: list[str | None] = []
    # In a thread, since a resolver without a network may block for much longer than any socket timeout.
    thread = threading.Thread(target=lambda: answer.append(_ask(host)), daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS + 0.5)
    return answer[0] if answer else f"{host} does not answer within {PROBE_SECONDS:.0f} s"


def _ask(host: str) -> str | None:
    request = urllib.request.Request(f"{host}/", method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
            return None
    except urllib.error.HTTPError:
        return None
    except (OSError, ValueError) as error:
        return f"{host}: {getattr(error, 'reason', None) or error}"
