"""Rules that every component keeps, read from the syntax tree."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
COMPONENTS = sorted((REPOSITORY / "components").glob("*.py"))
PACKAGES = {"components", "infra", "policies", "sandbox"}

# What each package may import of the repository, and of Pulumi where that matters.
ALLOWED = {
    "components": {"components"},
    "infra": {"infra", "components"},
    "policies": {"policies"},
    "sandbox": {"sandbox"},
}


def modules(package):
    return sorted((REPOSITORY / package).rglob("*.py"))


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Name every module that a file imports, inside functions and TYPE_CHECKING as well."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: a relative import hides where an arrow points"
            yield node.module or ""


def classes(path):
    return [node for node in tree_of(path).body if isinstance(node, ast.ClassDef)]


def is_component(node):
    return any(ast.unparse(base) == "pulumi.ComponentResource" for base in node.bases)


@cache
def resources():
    """Name every class of components/ that speaks of resources: what makes one when it is called."""
    return {node.name for path in COMPONENTS for node in classes(path) if "Resource" in ast.unparse(node)}


def calls(node, name):
    return [
        call
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == name
    ]


CLOUDS = {
    "eks": {"pulumi_aws", "pulumi_eks"},
    "gke": {"pulumi_gcp"},
    "aks": {"pulumi_azure_native"},
    "kind": {"pulumi_command"},
}


def identifier(path):
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_arrows_between_packages_point_one_way(package):
    wrong = {
        f"{identifier(path)} imports {module}"
        for path in modules(package)
        for module in imported(path)
        if (root := module.partition(".")[0]) in PACKAGES and root not in ALLOWED[package]
    }
    assert wrong == set()


@pytest.mark.parametrize("path", COMPONENTS, ids=identifier)
def test_components_import_pulumi_and_the_standard_library_only(path):
    roots = {module.partition(".")[0] for module in imported(path)}
    # What makes a cluster in a cloud is an extra, which nobody else may need.
    of_its_cloud = CLOUDS.get(path.stem.partition("_")[0], set())
    assert roots <= {"components", "pulumi"} | of_its_cloud | set(sys.stdlib_module_names)


def test_only_the_extra_of_a_cluster_is_imported_with_it():
    script = "import sys, infra.program; print([one for one in sys.modules if one.startswith('pulumi_')])"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", COMPONENTS, ids=identifier)
def test_components_read_neither_configuration_nor_environment_nor_stack(path):
    forbidden = {"Config", "get_stack", "get_project", "environ", "getenv", "is_dry_run", "open", "read_text"}
    names = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute | ast.Name)
    }
    assert names & forbidden == set()


@pytest.mark.parametrize("path", COMPONENTS, ids=identifier)
def test_a_file_has_one_public_component(path):
    public = [node.name for node in classes(path) if is_component(node) and not node.name.startswith("_")]
    assert len(public) <= 1


@pytest.mark.parametrize(
    ("path", "node"),
    [pytest.param(path, node, id=node.name) for path in COMPONENTS for node in classes(path) if is_component(node)],
)
def test_a_component_ends_its_init_with_exactly_one_register_outputs(path, node):
    [init] = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
    assert len(calls(node, "register_outputs")) == 1
    assert ast.unparse(init.body[-1]).startswith("self.register_outputs(")
    [registration] = calls(init, "__init__")
    assert ast.literal_eval(registration.args[0]) == f"mlplatform:index:{node.name}"


@pytest.mark.parametrize("path", [*COMPONENTS, *modules("infra")], ids=identifier)
def test_no_resource_is_made_inside_an_apply(path):
    tree = tree_of(path)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for apply in calls(tree, "apply"):
        for argument in apply.args:
            body = functions.get(ast.unparse(argument).rpartition(".")[2], argument)
            made = {maker for maker in resources() for _ in calls(body, maker)}
            assert made == set(), f"{identifier(path)}:{apply.lineno}"


@pytest.mark.parametrize("path", COMPONENTS, ids=identifier)
def test_arguments_are_frozen_and_given_by_name(path):
    for node in classes(path):
        for decorator in node.decorator_list:
            if "dataclass" in ast.unparse(decorator):
                assert ast.unparse(decorator) == "dataclass(frozen=True, kw_only=True)", node.name


@pytest.mark.parametrize("path", COMPONENTS, ids=identifier)
def test_a_file_says_what_is_public(path):
    tree = tree_of(path)
    exported = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    if path.name != "__init__.py":
        assert len(exported) == 1
        assert exported[0] == sorted(exported[0], key=lambda name: (not name.isupper(), name))


@pytest.mark.parametrize("package", ["infra", "policies"])
def test_no_file_hides_a_standard_module(package):
    """With `main: infra/` the folder itself stands first on sys.path: infra/platform.py would break Python."""
    names = {path.stem for path in (REPOSITORY / package).iterdir()}
    assert names & set(sys.stdlib_module_names) == set()
