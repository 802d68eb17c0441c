from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import clouds
import pytest
from rich.console import Console

from infra.settings import Cluster
from infra.settings.analysis import Analysis
from rollout.__main__ import source_of
from rollout.engine import Pulumi
from rollout.metrics.prometheus import PrometheusMetrics
from rollout.show import Show
from rollout.stopping import Stopping
from rollout.target import RefusedError

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_what_is_refused_ends_with_code_2_and_a_sentence():
    done = run("rollout", "chrn", "-s", "prod")
    assert done.returncode == 2
    assert 'refused: no model chrn in stack prod; known: "churn",' in done.stdout
    assert 'did you mean "churn"?' in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert run("rollout", "churn", "-s", "prod", "--back").returncode == 2
    assert run("rollout.pin", "churn", "9", "--from", "staging", "--to", "prod").returncode == 2


@pytest.mark.parametrize("command", ["rollout", "rollout.pin", "rollout.history"])
def test_every_command_explains_itself_and_its_exit_codes(command):
    told = run(command, "--help").stdout
    assert "xit code" in told


def test_a_url_means_prometheus_and_pods_need_a_kubeconfig(target, tmp_path):
    by_url = replace(target, analysis=Analysis.model_validate({"source": "https://prometheus.example.com/"}))
    engine = Pulumi(root=tmp_path, stack="prod")
    source = source_of(by_url, engine)
    assert isinstance(source, PrometheusMetrics)
    assert source.url == "https://prometheus.example.com"
    nowhere = Cluster(provider="existing", context="nowhere", kubeconfig=str(tmp_path / "none"))
    with pytest.raises(RefusedError, match="none does not exist"):
        source_of(replace(target, cluster=nowhere), engine)


def test_pods_of_a_cluster_that_a_stack_made_are_read_by_the_stacks_own_output(target, monkeypatch, tmp_path):
    engine = Pulumi(root=tmp_path, stack="prod")
    there = replace(target, cluster=Cluster(provider="existing", stack="prod-cluster"))
    monkeypatch.setattr(Pulumi, "secret_output", lambda self, name: {"kubeconfig": clouds.KUBECONFIG}[name])
    assert source_of(there, engine).api.address == "https://a (context a)"
    monkeypatch.setattr(Pulumi, "secret_output", lambda self, name: None)
    with pytest.raises(RefusedError, match="stack prod has no output kubeconfig"):
        source_of(there, engine)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_taken_note_of_and_given_back(number):
    before, pressed = signal.getsignal(number), []
    with Stopping().listening() as stopping:
        stopping.on_press = pressed.append
        assert not stopping.wait(0)
        os.kill(os.getpid(), number)
        assert stopping.wait(5)
        os.kill(os.getpid(), number)
    assert pressed == [1, 2]
    assert signal.getsignal(number) is before


def test_a_log_gets_a_sign_of_life_now_and_then(monkeypatch):
    screen = io.StringIO()
    show = Show(Console(file=screen, width=80))
    with show.moving("pulumi up"):
        show.now("creating [bold]")
        assert screen.getvalue() == ""
        monkeypatch.setattr("rollout.show._SIGN_OF_LIFE_SECONDS", -1)
        show.now("creating [bold]")
    assert "... creating [bold]" in screen.getvalue()


def test_a_terminal_has_a_moving_line_that_no_log_gets():
    screen = io.StringIO()
    show = Show(Console(file=screen, width=60, force_terminal=True))
    with show.moving("pulumi up"):
        show.now("x" * 200 + "[red]")
    show.say("done [red]", "green")
    assert "x" * 45 in screen.getvalue()
    assert "x" * 46 not in screen.getvalue()
    assert "done [red]" in screen.getvalue()
