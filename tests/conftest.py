"""How the suite runs: parts in a fixed order, a line of progress a part, and no skip that is not allowed.

With workers all this is the controller's, which collects nothing and runs nothing itself; workers only run tests.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from order import REAL, WITH_DAEMONS, clusters_of, ordered, part_of
from skips import unexpected
from turns import long_turns, usual_turns

if TYPE_CHECKING:
    from collections.abc import Sequence

# Many a CI image forbids Python to keep its bytecode. The suite starts some thousand Python processes: language hosts,
# providers, programs, policy packs, each of which would compile the same packages again, for half of its own time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# And as many engines and kubectls, which live for a second: Go need not collect what they will never miss. A command of
# the engine takes a sixth less of processor for it. (Daemons inherit nothing.)
os.environ.setdefault("GOGC", "400")


class Suite:
    """Counts parts and skips of one run."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.skipped: dict[str, str] = {}
        self.begun: set[str] = set()
        self.began = time.monotonic()

    def count(self, nodeids: Sequence[str]) -> None:
        for nodeid in nodeids:
            self.counts[part_of(nodeid)] = self.counts.get(part_of(nodeid), 0) + 1


SUITE = pytest.StashKey[Suite]()


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def say(config: pytest.Config, line: str) -> None:
    config.pluginmanager.get_plugin("terminalreporter").write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SUITE] = Suite()
    choose_what_was_tested()
    long_turns()
    config.addinivalue_line("markers", "last: after the others of its module, since it ends what they use")


def choose_what_was_tested() -> None:
    """On a machine with a Docker engine, have nodes of our own as everywhere, and not kind's, unless told otherwise."""
    docker = os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()
    if docker and not os.environ.get("SANDBOX_NODES"):
        from sandbox.cluster.choice import real_obstacle

        os.environ["SANDBOX_NODES"] = "real" if real_obstacle() is None else "simulated"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items[:] = ordered(items)
    config.stash[SUITE].count([item.nodeid for item in items])
    for item in items:
        if part_of(item.nodeid) in WITH_DAEMONS:
            # Daemons on a shared machine of two cores: once more tells a slow moment from a mistake, and the
            # summary names every test that needed it.
            item.add_marker(pytest.mark.flaky(reruns=1))
        # The order of an end-to-end module's tests is shuffled like all others; its time limit is its own.
        if part_of(item.nodeid) == "e2e" and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(1800))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Do once, in the controller, what a run without workers does when it has collected."""
    config = node.config
    suite = config.stash[SUITE]
    if not suite.counts:
        suite.count(ids)
        provide_tools(config, ids)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from lanes import Lanes

    return Lanes(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    if not is_worker(session.config) and not session.config.option.collectonly:
        provide_tools(session.config, [item.nodeid for item in session.items])


def provide_tools(config: pytest.Config, nodeids: Sequence[str]) -> None:
    """Provide packages and tools before the first test: a build takes minutes, which are no test's own."""
    if not {part_of(nodeid) for nodeid in nodeids} & set(WITH_DAEMONS):
        return
    from sandbox.cluster import choose_nodes
    from sandbox.tools import ToolError, provide
    from sandbox.tools.gateway_api import provide_gateway_api
    from sandbox.tools.packages import NODE_PACKAGES, ensure_packages
    from sandbox.up import NEEDED, NEEDED_LATER

    def report(line: str) -> None:
        say(config, line)

    kind = choose_nodes().kind
    names = {*NEEDED["simulated"], *NEEDED[kind], *NEEDED_LATER[kind]}
    if any(nodeid.startswith("tests/sandbox/autoscaling/") for nodeid in nodeids):
        names.add("karpenter-kwok")  # no sandbox needs it
    if kind == "real" and any(nodeid.startswith("tests/sandbox/cluster/test_walls") for nodeid in nodeids):
        names.add("kube-router")  # nor this
    report("\n== tools")
    try:
        if kind == "real":
            ensure_packages(NODE_PACKAGES, report=report)
        provide(sorted(names), report=report)
        provide_gateway_api(report=report)
    except ToolError as error:
        report(f"{error}\nthe tests that need it are skipped, which fails the run unless tests/skips.yaml allows it")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """End what a group of tests shares before the next group: an idle cluster takes a tenth of a core.

    A test that has no next one is told to end everything that fixtures hold.
    """
    if nextitem is None or clusters_of(item.nodeid) == clusters_of(nextitem.nodeid):
        return None
    item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Schedule what measures real nodes as usual, its platform included: fixtures are made after this."""
    if item.nodeid.startswith(REAL):
        usual_turns()


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if not is_worker(session.config):
        session.config.pluginmanager.register(Progress(session.config), "progress-a-part")


class Progress:
    """Hooks that are given no configuration, with what they need of it."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.suite = config, config.stash[SUITE]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        suite, part = self.suite, part_of(nodeid)
        if part not in suite.begun:
            suite.begun.add(part)
            seconds = time.monotonic() - suite.began
            say(self.config, f"\n== {part}: {suite.counts.get(part, 0)} tests, {seconds:.0f} s into the run")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.suite.skipped[report.nodeid] = reason


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    suite = config.stash[SUITE]
    if is_worker(config) or not suite.skipped or config.option.collectonly:
        return
    from sandbox.cluster import choose_nodes

    kind = choose_nodes().kind
    not_allowed = unexpected(suite.skipped, kind)
    if not_allowed:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for nodeid, reason in not_allowed.items():
            say(config, f"NEW SKIP, not allowed by tests/skips.yaml with {kind} nodes: {nodeid}: {reason}")
