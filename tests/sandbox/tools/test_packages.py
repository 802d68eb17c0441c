from __future__ import annotations

import os
import shutil
import stat

import pytest

from sandbox.tools import ToolError, packages
from sandbox.tools.packages import ensure_packages, missing_packages, services_kept_from_starting

DPKG = shutil.which("dpkg-query")


@pytest.fixture
def policy(tmp_path, monkeypatch):
    """Stand-ins for the two files that one installation touches."""
    file = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "_POLICY", file)
    monkeypatch.setattr(packages, "_SAVED", tmp_path / "policy-rc.d.saved")
    return file


@pytest.fixture
def apt(machine, policy, monkeypatch, tmp_path):
    """An apt system on which every call is written down, and which installs what it is asked for.

    The real one would change the machine that runs the tests; what it is given is what is tested here.
    """
    state, calls = tmp_path / "installed", tmp_path / "calls"
    state.write_text("present\n")
    calls.write_text("")
    scripts = {
        "dpkg-query": 'shift 3\nfor p in "$@"; do grep -qx "$p" "$STATE" && echo "$p installed"; done; true',
        "apt-cache": '[ -e "$STATE.lists" ]',
        "apt-get": 'echo "$DEBIAN_FRONTEND: $* policy: $(cat "$POLICY")" >> "$CALLS"\n'
        'case "$*" in\n*update*) touch "$STATE.lists";;\n'
        '*broken*) echo "E: broken has no installation candidate"; exit 100;;\n'
        '*install*) for p in "$@"; do echo "$p" >> "$STATE"; done;; esac',
    }
    for name, script in scripts.items():
        file = machine / name
        file.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        file.chmod(0o755)
    for variable, path in (("STATE", state), ("CALLS", calls), ("POLICY", policy)):
        monkeypatch.setenv(variable, str(path))
    monkeypatch.setattr(packages, "_LOCK", tmp_path / "lock")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return calls


def test_what_is_missing_is_named_before_it_is_installed_and_nothing_else(apt, lines):
    assert ensure_packages(["present", "absent"], report=lambda line: lines.append((line, apt.read_text()))) == [
        "absent"
    ]
    line, called_before = lines[0]
    assert line == "installing Debian packages, services kept from starting: absent"
    assert called_before == ""
    calls = [call for call in apt.read_text().splitlines() if call.startswith("noninteractive")]
    assert [("update" in call, "install --no-install-recommends absent" in call) for call in calls] == [
        (True, False),
        (False, True),
    ]


def test_the_lists_are_not_fetched_when_they_know_the_package(apt, tmp_path, lines):
    (tmp_path / "installed.lists").touch()
    ensure_packages(["absent"], report=lines.append)
    assert "update" not in apt.read_text()


def test_nothing_is_asked_of_apt_when_nothing_is_missing(apt, lines):
    assert ensure_packages(["present"], report=lines.append) == []
    assert (lines, apt.read_text()) == ([], "")


def test_services_are_denied_while_packages_are_installed_and_not_after(apt, policy, lines):
    ensure_packages(["absent"], report=lines.append)
    assert "exit 101" in apt.read_text()
    assert not policy.exists()


def test_a_failed_installation_shows_apts_words_and_puts_the_policy_back(apt, policy, lines):
    policy.write_text("#!/bin/sh\nexit 104\n")
    with pytest.raises(ToolError, match=r"(?s)apt-get install broken failed.*no installation candidate"):
        ensure_packages(["broken"], report=lines.append)
    assert policy.read_text() == "#!/bin/sh\nexit 104\n"


def test_a_machines_own_policy_is_put_back_with_its_mode(policy):
    policy.write_text("#!/bin/sh\nexit 104\n")
    policy.chmod(0o750)
    with services_kept_from_starting():
        assert "exit 101" in policy.read_text()
        assert policy.stat().st_mode & stat.S_IXUSR
    assert policy.read_text() == "#!/bin/sh\nexit 104\n"
    assert stat.S_IMODE(policy.stat().st_mode) == 0o750


def test_a_policy_left_by_a_killed_run_is_undone_by_the_next(policy):
    policy.write_text("the machine's own")
    kept = services_kept_from_starting()
    kept.__enter__()  # and the run is killed: __exit__ is never called
    with services_kept_from_starting():
        pass
    assert policy.read_text() == "the machine's own"


def test_an_ordinary_user_is_told_the_command(apt, monkeypatch, lines):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ToolError, match=r"only root can install them: apt-get install absent$"):
        ensure_packages(["present", "absent"], report=lines.append)
    assert apt.read_text() == ""


def test_another_system_is_told_what_is_missing(machine, lines):
    with pytest.raises(ToolError, match=r"\(in Debian's names\) containerd runc"):
        ensure_packages(["containerd", "runc"], report=lines.append)


def test_dpkg_itself_is_asked_what_is_installed(machine):
    """Or, on another system, everything is missing."""
    if DPKG:
        (machine / "dpkg-query").symlink_to(DPKG)
    missing = missing_packages(["dpkg", "no-such-package-anywhere"])
    assert missing == (["no-such-package-anywhere"] if DPKG else ["dpkg", "no-such-package-anywhere"])
