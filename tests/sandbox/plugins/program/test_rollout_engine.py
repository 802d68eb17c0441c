"""What a rollout does to configuration and engine, with the real engine: each command as it is typed."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from rollout.engine import EngineError, Pulumi
from rollout.served import history_of
from rollout.stopping import Stopping

REPOSITORY = Path(__file__).resolve().parents[4]
MODEL = "ml-platform:models.churn"

# A stack's own settings, and one resource whose content is what serves; it takes as long as a file says.
PROGRAM = """
    import time
    import pulumi
    from pathlib import Path
    from infra.settings import load

    model = load().models["churn"]
    wait = Path(__file__).parent / "wait"
    if wait.exists() and not pulumi.runtime.is_dry_run():
        pulumi.log.info("waiting")
        time.sleep(float(wait.read_text()))
    percent = model.canary.percent if model.canary else 0
    if percent > 90:
        raise pulumi.RunError("refused: green is not ready")
    pulumi.Stash("churn", input=f"{model.active} {percent}")
    pulumi.export("models", {"churn": {"active": model.active}})
"""


@pytest.fixture
def engine(project, monkeypatch) -> Pulumi:
    project.describe(PROGRAM, settings="stackConfigDir: stacks\n")
    description = project.directory / "Pulumi.yaml"
    description.write_text(description.read_text().replace("name: scratch", "name: ml-platform"))
    project.run("stack", "init", "prod")
    file = project.directory / "stacks" / "Pulumi.prod.yaml"
    file.write_text((REPOSITORY / "stacks" / "Pulumi.prod.yaml").read_text() + file.read_text())
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "first"]):
        ada = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        subprocess.run(["git", *ada, *command], cwd=project.directory, check=True)
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{project.pulumi.parent}:{project.environment['PATH']}")
    return Pulumi(root=project.directory, stack="prod", stopping=Stopping())


def test_a_stack_goes_through_configuration_up_and_history_as_a_rollout_needs(engine):
    engine.up("first")
    assert engine.pending() == []
    file = engine.root / "stacks" / "Pulumi.prod.yaml"
    before = file.read_text()

    engine.configure({f"{MODEL}.active": "blue", f"{MODEL}.canary.percent": "10"})
    changed = [line.strip() for line in file.read_text().splitlines() if line not in before.splitlines()]
    assert [line for line in changed if not line.startswith(("admin:", "edit:", "view:"))] == ["canary:", "percent: 10"]
    assert "# append-only: a version that has served is never changed" in file.read_text()

    [change] = [change for change in engine.pending() if change.type != "pulumi:pulumi:Stack"]
    assert (change.operation, change.name) == ("update", "churn")
    engine.up("rollout of churn: canary at 10 %")
    assert engine.pending() == []
    assert engine.output("models") == {"churn": {"active": "blue"}}
    assert engine.output("nothing") is None

    engine.configure({f"{MODEL}.canary.percent": "100"})
    with pytest.raises(EngineError, match="refused: green is not ready") as failed:
        engine.up("rollout of churn: canary at 100 %")
    assert not failed.value.locked
    engine.configure({f"{MODEL}.canary.percent": "0"})
    engine.up("rollout of churn: back to blue")

    found = history_of("churn", engine.history(), {})
    assert [(one.version, one.percent, one.result, one.message) for one in found] == [
        ("7", 0, "succeeded", "rollout of churn: back to blue"),
        ("7", 100, "failed", "rollout of churn: canary at 100 %"),
        ("7", 10, "succeeded", "rollout of churn: canary at 10 %"),
        ("8", 0, "succeeded", "first"),
    ]
    assert {one.by for one in found} == {"Ada"}
    assert found[0].dirty
    assert found[0].digest == "sha256:1f81081667114a725c7aa295745cfdccec4819a3ec6fcfa48600fe6d0bc77081"


def test_one_ctrl_c_lets_an_up_end_and_a_second_cancels_it(engine):
    wait, lines = engine.root / "wait", []
    engine.up("first")
    began = threading.Event()
    engine.tell = lambda line: (lines.append(line), "waiting" in line and began.set())

    def press(times: int) -> None:
        began.wait(120)
        for _ in range(times):
            engine.stopping.press()
            time.sleep(0.5)

    wait.write_text("3")
    engine.configure({f"{MODEL}.canary.percent": "10"})
    thread = threading.Thread(target=press, args=(1,))
    thread.start()
    engine.up("goes on")
    thread.join()
    assert any("Ctrl-C again cancels it" in line for line in lines)
    assert engine.pending() == []

    began.clear()
    wait.write_text("120")
    engine.configure({f"{MODEL}.canary.percent": "20"})
    thread = threading.Thread(target=press, args=(2,))
    thread.start()
    started = time.monotonic()
    with pytest.raises(EngineError):
        engine.up("is cancelled")
    thread.join()
    assert time.monotonic() - started < 60
    wait.unlink()
    # The state that it leaves is one that the next `up` understands.
    engine.up("after it")
    assert engine.pending() == []


def test_an_up_beside_another_is_known_as_locked(engine):
    engine.up("first")
    (engine.root / "wait").write_text("8")
    began = threading.Event()
    other = Pulumi(root=engine.root, stack="prod", tell=lambda line: "waiting" in line and began.set())
    engine.configure({f"{MODEL}.canary.percent": "10"})
    thread = threading.Thread(target=other.up, args=("the other",))
    thread.start()
    assert began.wait(120)
    with pytest.raises(EngineError) as failed:
        engine.up("this one")
    thread.join()
    assert failed.value.locked


def test_a_missing_engine_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="pulumi is not on the PATH"):
        Pulumi(root=tmp_path, stack="prod").history()
