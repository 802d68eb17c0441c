"""Weaken the rules of the policy pack, one place at a time, and see whether a test notices.

Cosmic Ray says what may be changed (a comparison, a `not`, a number, `and` for `or`); it would change it in the
file itself and start the tests anew each time. Here each mutant is a fork of a process that has all packages in memory,
and its source reaches Python through an import hook: no file is touched, and a mutant takes a second.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.abc
import importlib.util
import io
import os
import random
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "policies" / "rules"
# Last, since they take seconds: what the others have noticed already need not wait for them. What is about the pack and
# no rule is left out.
LATE = ("test_published_pods.py", "test_upstream.py")
OTHERS = ("test_analyzer.py", "test_exemptions.py", "test_judge.py", "test_reference.py", "test_pack.py")
TESTS = [path for path in (ROOT / "tests" / "policies").glob("test_*.py") if path.name not in OTHERS]
TIMEOUT = 120
# What changes no verdict, or only in ways that Python refuses at once: types' `|`, decorators, other names. And what is
# the same again as another: an order that becomes an identity and not an equality, a sum that becomes a shift and not a
# difference.
SKIPPED = re.compile(
    r"core/(?:RemoveDecorator|Variable\w*|ExceptionReplacer|ReplaceBinaryOperator_BitOr_\w+"
    r"|ReplaceBinaryOperator_\w+_(?:RShift|LShift|BitOr|BitAnd|BitXor)"
    r"|ReplaceComparisonOperator_(?:Lt|LtE|Gt|GtE)_Is(?:Not)?"
    r"|ReplaceComparisonOperator_(?:Is|IsNot|Eq|NotEq)_(?!IsNot$|Is$|NotEq$|Eq$)\w+"
    r"|ReplaceComparisonOperator_(?:Is_(?:Eq|NotEq)|IsNot_(?:Eq|NotEq)|Eq_Is\w*|NotEq_Is\w*))"
)
# Lines of which nothing depends: imports for types, how a dataclass is made, the `*` before keywords.
INERT = re.compile(r"if TYPE_CHECKING|@dataclass.*|(?:.*, | +)\*,")


class Mutant:
    """One change of one module."""

    def __init__(self, path, operator, occurrence, line):
        self.path, self.operator, self.occurrence, self.line = path, operator, occurrence, line

    @property
    def name(self):
        """What a person looks for."""
        return f"{self.path.relative_to(ROOT)}:{self.line} {self.key}"

    @property
    def key(self):
        """What names it while lines come and go."""
        return f"{self.path.relative_to(RULES)} {self.operator.removeprefix('core/')} #{self.occurrence}"

    @property
    def module(self):
        """The module's name."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def source(self):
        """Return the changed source."""
        return mutate_code(self.path.read_text(), get_operator(self.operator)(), self.occurrence)

    @property
    def change(self):
        """The lines that differ, as a person reads them."""
        before, after = self.path.read_text().splitlines(), self.source().splitlines()
        lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
        return "\n".join(f"    {line}" for line in lines if not line.startswith("@@"))


def mutants(paths):
    """Find all mutants of these modules."""
    for path in paths:
        tree = get_ast_from_path(path)
        nodes = list(ast_nodes(tree))
        lines = path.read_text().splitlines()
        for name in operator_names():
            operator = get_operator(name)
            if SKIPPED.fullmatch(name) or operator.arguments():
                continue
            made = operator()
            places = [start for node in nodes for start, _ in made.mutation_positions(node)]
            for occurrence, start in enumerate(places):
                inert = INERT.match(lines[start[0] - 1])
                if inert is None or start[1] >= inert.end():
                    yield Mutant(path, name, occurrence, start[0])


class Unchanged(Mutant):
    """No change at all, which every test must let pass, or nothing that follows means anything."""

    def source(self):
        """Return the source as it is."""
        return self.path.read_text()


class Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Gives one module another source."""

    def __init__(self, module, path, source):
        self.module, self.path, self.source = module, path, source

    def find_spec(self, fullname, path=None, target=None):
        """Answer for the one module."""
        if fullname != self.module:
            return None
        package = [str(self.path.parent)] if self.path.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, self.path, loader=self, submodule_search_locations=package
        )

    def get_filename(self, fullname):
        """Return where it would stand."""
        return str(self.path)

    def get_data(self, path):
        """Return the changed source; there is no bytecode to be found."""
        if path != str(self.path):
            raise OSError(path)
        return self.source.encode()


def tests_of(module):
    """Return the test files, first those that speak most of the rules in this module: the first failure is enough."""
    rules = re.findall(r'id="([a-z-]+)"', module.read_text())

    def spoken_of(path):
        text = path.read_text()
        return sum(text.count(rule) for rule in rules)

    return [str(path) for path in sorted(TESTS, key=lambda path: (path.name in LATE, -spoken_of(path), path.name))]


def tested(mutant):
    """Run the tests on a mutant in this process, and return whether they fail."""
    sys.meta_path.insert(0, Changed(mutant.module, mutant.path, mutant.source()))
    arguments = ["-x", "-q", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        # File by file, so that the others are not even collected once one has noticed.
        return any(pytest.main([*arguments, path]) != 0 for path in tests_of(mutant.path))


def killed(mutant):
    """Fork, test, and return whether the mutant was noticed: by a failure, or by not ending."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = 0 if tested(mutant) else 1
        finally:
            os._exit(status)
    ends = time.monotonic() + TIMEOUT
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 1
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def main():
    """Go through the mutants, name the survivors, and return 1 if there are any that nobody knows."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="modules of policies/rules, such as scaling.py; all by default")
    parser.add_argument("--sample", type=int, help="so many of them, chosen by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    known = {line.partition("  ")[0] for line in (Path(__file__).parent / "survivors.txt").read_text().splitlines()}
    wanted = [RULES / module for module in given.modules] or sorted(RULES.rglob("*.py"))
    found = list(mutants(wanted))
    if given.sample and given.sample < len(found):
        found = random.Random(given.seed).sample(found, given.sample)
    for needed in ("pulumi_policy", "grpc", "pydantic", "yaml", "google.protobuf.json_format", "hypothesis"):
        importlib.import_module(needed)
    if killed(Unchanged(wanted[0], "none", 0, 1)):
        print("the tests fail, or do not end, without any change")
        return 2
    survivors = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for number, (mutant, dead) in enumerate(zip(found, pool.map(killed, found), strict=True), start=1):
            if not dead:
                survivors.append(mutant)
                again = ", as is known" if mutant.key in known else ""
                print(f"survived{again}: {mutant.name}\n{mutant.change}", flush=True)
            if number % 50 == 0:
                print(f"{number} of {len(found)}, {len(survivors)} survived", flush=True)
    print(f"{len(found)} mutants, {len(found) - len(survivors)} noticed, {len(survivors)} survived")
    return int(any(mutant.key not in known for mutant in survivors))


if __name__ == "__main__":
    sys.exit(main())
