from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from string import Template

import pytest

from infra.capacity.__main__ import main as capacity
from infra.check import main

ROOT = Path(__file__).resolve().parents[3]


def test_the_committed_stacks_are_right(capsys):
    assert main(["dev", "staging", "prod"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"stacks/Pulumi.{stack}.yaml" for stack in ("dev", "staging", "prod")
    ]


@pytest.mark.parametrize("name", ["local.example.yaml", "local.simulated.example.yaml"])
def test_the_sandboxs_examples_are_right_once_filled_in(name, tmp_path, capsys):
    values = {"REGISTRY": "10.0.0.2:5000", "KUBECONFIG": "/run/kubeconfig", "CONTEXT": "sandbox"}
    path = tmp_path / "Pulumi.local.yaml"
    path.write_text(Template((ROOT / "stacks" / name).read_text()).safe_substitute(values))
    assert main([str(path)]) == 0
    assert "serving iris 1 in blue" in capsys.readouterr().out


def test_a_stack_that_is_not_there_is_told_with_those_that_are(capsys):
    assert main(["prd"]) == 2
    assert "stacks/Pulumi.prd.yaml: cannot be read" in (told := capsys.readouterr().err)
    assert "prod" in told


def test_one_wrong_stack_among_right_ones_decides_the_exit_code(tmp_path, capsys):
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("config: {}\n")
    assert main(["dev", str(path), "prod"]) == 1
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert "config is empty" in printed.err


def test_a_stack_without_room_is_refused_with_its_line_by_check_and_by_the_capacity_command(tmp_path, capsys):
    text = (ROOT / "stacks" / "Pulumi.prod.yaml").read_text()
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(text.replace("min: 6", "min: 1").replace("max: 48", "max: 4"))
    line = text.splitlines().index("        max: 48") + 1
    assert main([str(path)]) == 1
    said = f"Pulumi.prod.yaml:{line}: cluster.nodePools.general.max: 4 is too few"
    assert said in capsys.readouterr().err
    assert capacity([str(path)]) == 1
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out.startswith("capacity           general (1 to 4)  gpu-l4 (0 to 2)  pods")
    assert capacity([str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["stages"]["minimum"]["verdict"] == "does not fit"


def test_the_capacity_command_has_nothing_to_say_of_a_stack_without_pools(tmp_path, capsys):
    assert capacity(["dev", "--json"]) == 0
    assert capsys.readouterr().out == "null\n"
    assert capacity(["dev"]) == 0
    assert "nothing can be proved" in capsys.readouterr().out
    assert capacity(["prd"]) == 2
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("config: {}\n")
    assert capacity([str(path)]) == 1


def test_check_runs_as_a_command_without_pulumis_environment():
    environment = {"PATH": os.defpath}
    done = subprocess.run(
        [sys.executable, "-m", "infra.check", "prod"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(
        "stacks/Pulumi.prod.yaml: right: environment prod; teams fraud, search; serving churn"
    )


def test_check_does_not_import_the_sdk():
    code = "import sys, infra.check; sys.exit('pulumi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_canarys_share_is_told_with_what_serves(valid_text, tmp_path, capsys):
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(valid_text)
    assert main([str(path)]) == 0
    assert "serving churn 7 in blue (10 % to 8), ranker 3" in capsys.readouterr().out
