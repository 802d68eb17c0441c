"""The first process of a sandbox's namespaces: as long as it lives they last, and with it everything in them ends.

Run by path, with the sandbox's name as its only argument, which is how it is found again.
"""

from __future__ import annotations

import signal
import sys

# Orphans become children of the first process of a pid namespace: ignoring their end lets the kernel collect them.
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
# The kernel drops signals that a first process does not handle.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    signal.pause()
