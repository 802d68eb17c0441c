"""The policy pack, as the engine starts it. What is wrong in its files is told before anything is planned."""

from __future__ import annotations

from datetime import UTC, datetime

from policies import configured, exempt
from policies.analyzer import Analyzer, serve

if __name__ == "__main__":
    TODAY = datetime.now(UTC).date()
    serve(Analyzer(configured.read(), exempt.read(today=TODAY), today=TODAY))
