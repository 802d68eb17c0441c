from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from rollout.target import RefusedError, read_target

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "1" * 64


def settings(**changes: object) -> dict:
    model = {
        "team": "fraud",
        "versions": {"7": {"image": f"churn@{DIGEST}"}, "8": {"image": f"churn@{DIGEST}", "port": 9000}},
        "slots": {"blue": "7", "green": "8"},
        "active": "blue",
        **changes,
    }
    return {
        "environment": "prod",
        "registry": "registry.example.com",
        "cluster": {"provider": "existing", "context": "prod-eu"},
        "teams": {"fraud": {"quota": {"requests.cpu": "40", "requests.memory": "160Gi", "pods": "200"}}},
        "models": {"churn": {key: value for key, value in model.items() if value is not None}},
    }


@pytest.fixture
def write(tmp_path):
    def written(values: dict) -> Path:
        (tmp_path / "Pulumi.yaml").write_text("name: ml-platform\nstackConfigDir: stacks\n")
        (tmp_path / "stacks").mkdir(exist_ok=True)
        config = {f"ml-platform:{key}": value for key, value in values.items()}
        (tmp_path / "stacks" / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
        return tmp_path

    return written


def test_the_slot_that_does_not_serve_is_the_canary(write):
    target = read_target(write(settings()), "prod", "churn")
    assert (target.active, target.canary) == ("blue", "green")
    assert target.versions == {"blue": "7", "green": "8"}
    assert target.ports == {"blue": 8080, "green": 9000}
    assert target.namespace == "fraud-prod"
    assert target.quiet == {"/metrics", "/readyz", "/healthz"}


def test_a_model_without_an_analysis_is_judged_by_the_defaults(write):
    target = read_target(write(settings()), "prod", "churn")
    assert target.defaulted
    assert target.analysis.steps == (10, 50, 100)
    assert not read_target(write(settings(analysis={"steps": [5]})), "prod", "churn").defaulted


def test_without_a_route_by_a_gateway_shares_are_coarse(write):
    route = {"host": "churn.example.com"}
    assert read_target(write(settings()), "prod", "churn").coarse
    with_gateway = settings(route=route) | {"gateway": {"class": "traefik"}}
    assert not read_target(write(with_gateway), "prod", "churn").coarse
    with_ingress = settings(route=route) | {"gateway": {"api": "ingress"}}
    assert read_target(write(with_ingress), "prod", "churn").coarse


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"slots": {"blue": "7", "green": None}}, "slot green of churn is empty: put a version into it first"),
        ({"slots": {"blue": "7", "green": "7"}}, "both slots of churn have version 7"),
        (
            {"strategy": "rolling", "version": "7", "slots": None, "active": None},
            "strategy rolling: `pulumi up` replaces its pods",
        ),
    ],
)
def test_what_cannot_be_rolled_out_is_refused_with_what_to_do(write, changes, why):
    with pytest.raises(RefusedError) as refused:
        read_target(write(settings(**changes)), "prod", "churn")
    assert why in str(refused.value)


def test_an_unknown_model_stack_or_slot_is_refused_with_those_that_are_known(write):
    root = write(settings())
    for arguments, why in (
        (("prod", "chrn"), 'no model chrn in stack prod; known: "churn"; did you mean "churn"?'),
        (("prd", "churn"), "no stack prd: Pulumi.prd.yaml is not there; known: prod"),
    ):
        with pytest.raises(RefusedError) as refused:
            read_target(root, *arguments)
        assert str(refused.value) == why
    with pytest.raises(RefusedError, match="blue serves already, version 7"):
        read_target(root, "prod", "churn", to="blue")
    with pytest.raises(RefusedError, match="no slot red"):
        read_target(root, "prod", "churn", to="red")


def test_a_broken_configuration_is_refused_with_every_mistake(write):
    with pytest.raises(RefusedError, match=r"Pulumi.prod.yaml:\d+: models.churn.team"):
        read_target(write(settings(team="frod")), "prod", "churn")
