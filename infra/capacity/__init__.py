"""Whether what a stack declares finds room on the nodes that it declares: before anything is touched."""

from __future__ import annotations

from infra.capacity.proof import Growth, Proof, prove
from infra.capacity.refused import refuse
from infra.capacity.table import lines, values
from infra.capacity.verdict import Verdict

__all__ = ["Growth", "Proof", "Verdict", "lines", "prove", "refuse", "values"]
