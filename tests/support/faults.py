"""The example model's server with faults, for tests of rollouts: a version that fails, is slow, lies or keeps silent.

Runs beside `server.py`. FAULT_ERRORS is the share of predictions that fail (0.05 is every twentieth: the first few
succeed, so that the guard's own request never stops what the analysis is to find), FAULT_DELAY the seconds that each
takes longer, FAULT_LABEL the one label that is answered, none too sure, whatever was asked, FAULT_SILENT that no
metrics are told.
"""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING, Any

import server

if TYPE_CHECKING:
    from collections.abc import Sequence

ERRORS = float(os.environ.get("FAULT_ERRORS", "0"))
DELAY = float(os.environ.get("FAULT_DELAY", "0"))
LABEL = os.environ.get("FAULT_LABEL")
SILENT = "FAULT_SILENT" in os.environ
ASKED = itertools.count(1)


class Faulty(server.Classifier):
    def predict(self, flower: Sequence[float]) -> server.Prediction:
        if ERRORS and next(ASKED) % round(1 / ERRORS) == 0:
            raise RuntimeError("a fault, as this test wants it")
        time.sleep(DELAY)
        found = super().predict(flower)
        return found if LABEL is None else server.Prediction(label=LABEL, probability=0.34)


def silent(_registry: Any) -> bytes:
    return b"# nothing to tell\n"


server.Classifier = Faulty
if SILENT:
    server.generate_latest = silent

if __name__ == "__main__":
    server.main()
