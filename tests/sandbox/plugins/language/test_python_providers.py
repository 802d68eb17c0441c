"""A provider that is itself a Python program, started through the language host."""

from __future__ import annotations

import sys

PROVIDER = """
    import pulumi
    from pulumi.provider.experimental import component_provider_host
    from thing import Thing

    component_provider_host(name="thing", components=[Thing])
"""
COMPONENT = """
    from typing import Optional, TypedDict
    import pulumi

    class ThingArgs(TypedDict):
        size: pulumi.Input[int]

    class Thing(pulumi.ComponentResource):
        doubled: pulumi.Output[int]

        def __init__(self, name: str, args: ThingArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
            super().__init__("thing:index:Thing", name, {}, opts)
            self.doubled = pulumi.Output.from_input(args["size"]).apply(lambda size: int(size * 2))
            self.register_outputs({"doubled": self.doubled})
"""
PROGRAM = """
    import pulumi

    class Thing(pulumi.ComponentResource):
        doubled: pulumi.Output[int]

        def __init__(self, name):
            super().__init__("thing:index:Thing", name, {"size": 4, "doubled": None}, remote=True)

    pulumi.export("doubled", Thing("one").doubled)
"""


def test_a_python_provider_named_by_its_path_serves_its_components(project):
    project.describe(PROGRAM, settings="plugins: {providers: [{name: thing, path: thing}]}\n")
    project.write("thing/PulumiPlugin.yaml", f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n")
    project.write("thing/__main__.py", PROVIDER)
    project.write("thing/thing.py", COMPONENT)
    project.run("up", "--yes", "--skip-preview")
    assert project.output("doubled") == 8
    assert project.processes() == {}
