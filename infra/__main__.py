"""What `pulumi up` runs: one stack's settings become the platform of one environment."""

from __future__ import annotations

import pulumi

from infra.program import build
from infra.settings import load, secret_texts

settings = load()
for name, value in build(settings, secret_texts(settings)).items():
    pulumi.export(name, value)
