"""The workflow of the preview, as far as it can be judged without a code host: what it may do, and what it runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOW = yaml.safe_load((FOLDER / "preview.yaml").read_text())
JOBS = WORKFLOW["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
SCRIPTS = [(name, step["run"]) for name, step in STEPS if "run" in step]


def test_it_runs_for_pull_requests_alone_and_never_with_the_bases_rights():
    # YAML 1.1 reads the key `on` as true.
    assert WORKFLOW[True] == {"pull_request": None}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_every_action_of_every_workflow_is_pinned_by_a_commit_with_its_version_beside_it(path):
    for line in path.read_text().splitlines():
        if re.match(r"\s*(- )?uses:", line):
            assert re.fullmatch(r"\s*(- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_jobs_may_read_and_one_that_runs_nothing_of_the_pull_request_may_comment():
    assert WORKFLOW["permissions"] == {}
    allowed = {name: job["permissions"] for name, job in JOBS.items()}
    assert allowed == {
        "throw-away": {"contents": "read"},
        "live": {"contents": "read"},
        "comment": {"contents": "read", "pull-requests": "write"},
    }
    [clone] = [step for name, step in STEPS if name == "comment" and "git init" in step.get("run", "")]
    assert clone["env"]["BASE"] == "${{ github.event.pull_request.base.sha }}"
    assert "GITHUB_SHA" not in clone["run"]


def test_credentials_go_to_one_step_of_the_job_that_needs_them_and_to_no_fork():
    holders = [(name, step["name"]) for name, step in STEPS if "secrets." in str(step)]
    assert holders == [("live", "Preview")]
    for name in ("live", "comment"):
        assert "head.repo.full_name == github.repository" in JOBS[name]["if"]


@pytest.mark.parametrize(("name", "script"), SCRIPTS, ids=[f"{name}-{n}" for n, (name, _) in enumerate(SCRIPTS)])
def test_scripts_parse_and_take_what_others_wrote_from_variables_only(name, script):
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert "${{" not in script


def test_the_engine_that_is_installed_is_of_the_sdks_version():
    [version] = [step["with"]["pulumi-version"] for _, step in STEPS if step.get("uses", "").startswith("pulumi/")]
    assert f'"pulumi=={version}"' in (ROOT / "pyproject.toml").read_text()


def test_options_that_it_uses_are_options_of_the_command():
    used = {option for _, script in SCRIPTS if "-m review" in script for option in re.findall(r"--[a-z]+", script)}
    text = (ROOT / "review" / "__main__.py").read_text()
    for option in used - {"--depth"}:
        assert option in text or f"{option[2:]}: Annotated" in text
