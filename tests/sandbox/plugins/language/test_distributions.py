"""What an environment tells about itself, read without starting its interpreter."""

from __future__ import annotations

import json

from sandbox.plugins.language_python.distributions import installed, required_providers


def distribution(site, name, version, *requires):
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    (folder / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {r}" for r in requires)]) + "\n")


def marker(site, package, **content):
    (site / package).mkdir(parents=True)
    (site / package / "pulumi-plugin.json").write_text(json.dumps(content))


def test_a_provider_is_named_with_the_version_its_package_states(tmp_path):
    marker(tmp_path, "pulumi_kubernetes", resource=True, name="kubernetes", version="4.34.2")
    (provider,) = required_providers([str(tmp_path)])
    assert (provider.name, provider.version) == ("kubernetes", "4.34.2")


def test_a_package_that_states_no_version_has_that_of_its_distribution(tmp_path):
    marker(tmp_path, "pulumi_scratch", resource=True)
    distribution(tmp_path, "pulumi-scratch", "1.2.3")
    (provider,) = required_providers([str(tmp_path)])
    assert (provider.name, provider.version) == ("scratch", "1.2.3")


def test_a_package_without_a_provider_is_left_out(tmp_path):
    marker(tmp_path, "pulumi_types", resource=False)
    assert required_providers([str(tmp_path)]) == []


def test_a_parameterized_provider_keeps_its_parameters(tmp_path):
    special = {"name": "hashicups", "version": "0.3.0", "value": "eyJhIjogMX0="}
    marker(
        tmp_path,
        "pulumi_hashicups",
        resource=True,
        name="terraform-provider",
        version="1.0.0",
        parameterization=special,
    )
    (provider,) = required_providers([str(tmp_path)])
    assert provider.parameterization is not None
    assert provider.parameterization.value == b'{"a": 1}'


def test_without_transitive_ones_only_packages_that_none_requires_are_listed(tmp_path):
    distribution(tmp_path, "top", "1.0", "middle (>=2)", 'optional; extra == "more"')
    distribution(tmp_path, "Middle", "2.0")
    distribution(tmp_path, "optional", "3.0")
    assert [p.name for p in installed([str(tmp_path)], transitive=False)] == ["optional", "top"]
    assert [p.name for p in installed([str(tmp_path)], transitive=True)] == ["Middle", "optional", "top"]
