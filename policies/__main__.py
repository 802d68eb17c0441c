"""The policy pack. Constructing it starts its server and never returns, so it happens here and nowhere else."""

from __future__ import annotations

from pulumi_policy import PolicyPack

from policies.pack import policies

if __name__ == "__main__":
    PolicyPack("ml-platform", policies=policies())
