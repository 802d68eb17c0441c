"""Rollouts in the sandbox: real pods behind the real gateway, the real engine, requests, and versions with faults."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from traffic import load_on

FAULTS = Path(__file__).parents[1] / "support" / "faults.py"
ROLLOUT = (".venv/bin/python", "-m", "rollout", "iris", "-s", "local")
ANALYSIS = {
    "steps": [10, 50, 100],
    "window": "12s",
    "interval": "2s",
    "requests": 15,
    # Two cores carry cluster, load and both versions: a slot's pods may wait for a processor that long.
    "latency": {"slack": "250ms"},
    "metrics": {"prediction_probability": {"min": 0.6}},
}
# Four clients that rest so long send some 70 requests a second, and leave the cores to the rollout and other tests.
PAUSE = 0.05
# Of all requests, what a version may cost that was never fit to serve.
LOST = 0.01


@pytest.fixture(autouse=True)
def analysed(platform):
    """The platform with a model that is judged in seconds, and the example with faults beside the example."""
    folder = platform.directory / "examples" / "faulty"
    if not folder.exists():
        shutil.copytree(platform.directory / "examples" / "iris", folder)
        shutil.copy(FAULTS, folder)
        (folder / ".dockerignore").unlink()
        recipe = folder / "Dockerfile"
        text = recipe.read_text().replace("COPY server.py .", "COPY server.py faults.py ./")
        recipe.write_text(text.replace('CMD ["python", "server.py"]', 'CMD ["python", "faults.py"]'))
    platform.model(analysis=ANALYSIS)
    config = platform.config()
    if "ml-platform:gateway" not in config:
        platform.write({**config, "ml-platform:gateway": {"class": "traefik"}})
        platform.model(route={"host": "iris.localhost"})
        platform.up(quick=True)


def put_in_green(platform, **faults: str) -> None:
    """Add version 3, with these faults, and put it into the idle slot, as a user would, with an `up`."""
    build = {"context": "examples/faulty", "args": {"VERSION": "2"}, "network": "host"}
    smoke = {"expect": {"status": 200, "json": {"version": "2"}}}
    platform.add_version("3", {"build": build, "smoke": smoke, "env": faults})
    platform.model(slots={"blue": "1", "green": "3"})
    platform.up(quick=True)


def rolled_out(platform, out: Path, *more: str):
    """Run a rollout under load through the gateway; return what it printed, its exit code and all answers."""
    with load_on(platform.gateway(), out, at_least=2000, host=platform.host(), pause=PAUSE) as answers:
        time.sleep(2)
        done = platform.run(*ROLLOUT, *more, check=False, timeout=1200)
        time.sleep(2)
    print(done.stdout)
    print(Counter(answer.outcome for answer in answers))
    return done, answers


def percent(platform) -> int:
    return platform.config()["ml-platform:models"]["iris"].get("canary", {}).get("percent", 0)


def weights(platform) -> dict[str, int]:
    """The live route's weights by Service; a route that shares nothing names one Service."""
    [*rules] = platform.kubectl("get", "httproute", "iris", "-n", platform.namespace)["spec"]["rules"]
    return {backend["name"]: backend.get("weight", 1) for backend in rules[-1]["backendRefs"]}


def test_a_good_version_is_walked_to_all_users_and_no_request_is_lost(platform, tmp_path):
    done, answers = rolled_out(platform, tmp_path / "answers")
    assert done.returncode == 0
    for share in ANALYSIS["steps"]:
        assert f"{share:3d} %  good: green" in done.stdout
    assert not [answer for answer in answers if answer.failed]
    assert {answer.outcome for answer in answers} == {"1", "2"}
    assert (platform.active(), percent(platform)) == ("green", 0)

    told = json.loads(platform.json_text(".venv/bin/python", "-m", "rollout.history", "iris", "-s", "local", "--json"))
    walked = [(one["version"], one["percent"]) for one in told[:5]]
    assert walked == [("2", 0), ("1", 100), ("1", 50), ("1", 10), ("1", 0)]
    assert told[0]["message"] == "rollout of iris: green serves"
    live = platform.kubectl("get", "deployment", "iris-green", "-n", platform.namespace)
    image = live["spec"]["template"]["spec"]["containers"][0]["image"]
    assert told[0]["digest"] == image.partition("@")[2]


# What answers nonsense with status 200 is known at the end of a window: where that is dear, a rollout begins small.
SMALL = {"steps": [1, 10, 50], "window": "24s", "requests": 3}


@pytest.mark.parametrize(
    ("faults", "analysis", "why"),
    [
        ({"FAULT_ERRORS": "0.05"}, {}, "green failed "),
        ({"FAULT_DELAY": "0.8"}, {}, "green answers 95 % of its requests within "),
        ({"FAULT_LABEL": "virginica"}, SMALL, "green's prediction_probability is 0.34"),
        ({"FAULT_SILENT": "1"}, {}, "no data: green answered 0 requests"),
    ],
    ids=["fails", "slow", "nonsense", "silent"],
)
def test_a_bad_version_goes_back_and_fails_less_than_one_request_in_a_hundred(
    platform, tmp_path, faults, analysis, why
):
    platform.model(analysis={**ANALYSIS, **analysis})
    put_in_green(platform, **faults)
    done, answers = rolled_out(platform, tmp_path / "answers")
    assert done.returncode == 1
    assert why in done.stdout.splitlines()[-1]
    assert f"ended at {analysis.get('steps', ANALYSIS['steps'])[0]} %" in done.stdout
    failed = [answer for answer in answers if answer.failed]
    print(f"{len(failed)} of {len(answers)} requests failed")
    assert len(failed) < LOST * len(answers)
    assert (platform.active(), percent(platform)) == ("blue", 0)
    assert set(weights(platform)) == {"iris"}


def test_without_requests_there_is_no_data_and_that_stops_a_rollout(platform):
    done = platform.run(*ROLLOUT, check=False, timeout=600)
    print(done.stdout)
    assert done.returncode == 1
    assert "no data: green answered 0 requests" in done.stdout.splitlines()[-1]
    assert (platform.active(), percent(platform)) == ("blue", 0)


def test_ctrl_c_leaves_the_share_and_the_next_rollout_goes_on_from_it_or_back(platform, tmp_path):
    with load_on(platform.gateway(), tmp_path / "answers", at_least=100, host=platform.host(), pause=PAUSE) as answers:
        first = platform.start(*ROLLOUT)
        lines = []
        for line in first.stdout:
            lines.append(line)
            if "50 %  of all requests go to green" in line:
                break
        time.sleep(3)
        first.send_signal(signal.SIGINT)
        rest = first.communicate(timeout=300)[0]
        print("".join(lines), rest, sep="")
        assert first.returncode == 130
        assert "stopped: 50 % of all requests go to green and stay there" in rest
        assert percent(platform) == 50
        assert weights(platform) == {"iris": 50, "iris-green": 50}
        done = platform.run(*ROLLOUT, check=False)
        print(done.stdout)
    assert done.returncode == 0
    assert "a rollout is under way at 50 %" in done.stdout
    assert "10 %  good" not in done.stdout
    assert platform.active() == "green"
    assert not [answer for answer in answers if answer.failed]


def test_ctrl_c_within_an_up_ends_after_it_and_back_takes_the_canary_off(platform):
    first = platform.start(*ROLLOUT)
    time.sleep(1)
    # The file is written right before the `up` begins.
    platform.eventually(lambda: percent(platform) == 10, within=120, what="the first share is set")
    time.sleep(1)
    first.send_signal(signal.SIGINT)
    printed = first.communicate(timeout=300)[0]
    print(printed)
    assert first.returncode == 130
    assert weights(platform) == {"iris": 90, "iris-green": 10}
    back = platform.run(*ROLLOUT, "--back", check=False)
    assert back.returncode == 0, back.stdout
    assert set(weights(platform)) == {"iris"}
    assert percent(platform) == 0


def test_a_rollout_deploys_nothing_that_somebody_else_left_in_the_file(platform):
    platform.model(env={"NEW": "1"})
    done = platform.run(*ROLLOUT, check=False)
    assert done.returncode == 2
    assert "something else waits to be deployed" in done.stdout
    assert percent(platform) == 0


def test_the_digest_that_serves_is_pinned_into_another_stacks_file(platform):
    other = platform.directory / "stacks" / "Pulumi.other.yaml"
    other.write_text(f"# another environment\n{platform.stack_file.read_text()}")
    pin = (".venv/bin/python", "-m", "rollout.pin", "iris", "1", "--from", "local", "--to", "other")
    print(platform.run(*pin).stdout)
    pinned = yaml.safe_load(other.read_text())["config"]["ml-platform:models"]["iris"]["versions"]["1"]
    live = platform.kubectl("get", "deployment", "iris-blue", "-n", platform.namespace)
    image = live["spec"]["template"]["spec"]["containers"][0]["image"]
    assert pinned["image"] == "iris@" + image.partition("@")[2]
    assert "build" not in pinned
    assert other.read_text().startswith("# another environment\n")
    assert "pinned to that digest in other already" in platform.run(*pin).stdout
    other.unlink()
