"""How the suite runs: parts in a fixed order, a line of progress a part, and no skip that is not allowed."""

from __future__ import annotations

import time

import pytest
from skips import unexpected

# Quick parts first: a mistake in a component is told in seconds, not after the cluster's tests.
PARTS = ("conventions", "components", "infra", "policies", "examples", "sandbox", "e2e")


def part_of(nodeid: str) -> str:
    return nodeid.split("/")[1] if nodeid.count("/") > 1 else "other"


class Suite:
    """Counts parts and skips of one run."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.skipped: dict[str, str] = {}
        self.part = ""
        self.began = time.monotonic()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SUITE] = Suite()


SUITE = pytest.StashKey[Suite]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    order = {part: index for index, part in enumerate(PARTS)}
    items.sort(key=lambda item: order.get(part_of(item.nodeid), len(order)))
    suite = config.stash[SUITE]
    for item in items:
        suite.counts[part_of(item.nodeid)] = suite.counts.get(part_of(item.nodeid), 0) + 1
        if part_of(item.nodeid) in ("sandbox", "e2e"):
            # Daemons on a shared machine of two cores: once more tells a slow moment from a mistake, and the
            # summary names every test that needed it.
            item.add_marker(pytest.mark.flaky(reruns=1))
        # The order of an end-to-end module's tests is shuffled like all others; its time limit is its own.
        if part_of(item.nodeid) == "e2e" and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(1800))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Provide packages and tools before the first test: a build takes minutes, which are no test's own."""
    if session.config.option.collectonly or not {part_of(item.nodeid) for item in session.items} & {"sandbox", "e2e"}:
        return
    from sandbox.cluster import choose_nodes
    from sandbox.tools import ToolError, provide
    from sandbox.tools.packages import NODE_PACKAGES, ensure_packages
    from sandbox.up import NEEDED, NEEDED_LATER

    report = session.config.pluginmanager.get_plugin("terminalreporter").write_line
    kind = choose_nodes().kind
    names = sorted({*NEEDED["simulated"], *NEEDED[kind], *NEEDED_LATER[kind]})
    report("\n== tools")
    try:
        if kind == "real":
            ensure_packages(NODE_PACKAGES, report=report)
        provide(names, report=report)
    except ToolError as error:
        report(f"{error}\nthe tests that need it are skipped, which fails the run unless tests/skips.yaml allows it")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    suite = session.config.stash[SUITE]
    session.config.pluginmanager.register(Progress(suite, session.config), "progress-a-part")


class Progress:
    """Hooks that are given no configuration, with what they need of it."""

    def __init__(self, suite: Suite, config: pytest.Config) -> None:
        self.suite = suite
        self.reporter = config.pluginmanager.get_plugin("terminalreporter")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        suite, part = self.suite, part_of(nodeid)
        if part != suite.part:
            suite.part = part
            seconds = time.monotonic() - suite.began
            self.reporter.write_line(f"\n== {part}: {suite.counts.get(part, 0)} tests, {seconds:.0f} s into the run")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.suite.skipped[report.nodeid] = reason


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    suite = session.config.stash[SUITE]
    if not suite.skipped or session.config.option.collectonly:
        return
    from sandbox.cluster import choose_nodes

    kind = choose_nodes().kind
    not_allowed = unexpected(suite.skipped, kind)
    if not_allowed:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        write = session.config.pluginmanager.get_plugin("terminalreporter").write_line
        for nodeid, reason in not_allowed.items():
            write(f"NEW SKIP, not allowed by tests/skips.yaml with {kind} nodes: {nodeid}: {reason}")
