"""What `pulumi up` runs: one stack's settings become the platform of one environment."""

from __future__ import annotations

import pulumi

from infra.outputs import kept
from infra.program import build
from infra.settings import load, secret_texts

try:
    settings = load()
    outputs = build(settings, secret_texts(settings))
except pulumi.RunError as error:
    # A run that is refused registers no outputs, which the engine takes for: there are none any more.
    pulumi.export("models", kept(error))
    raise
for name, value in outputs.items():
    pulumi.export(name, value)
