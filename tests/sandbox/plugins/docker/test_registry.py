"""Whose credentials a push takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.plugins.docker.context import BuildContext
from sandbox.plugins.docker.inputs import Image
from sandbox.plugins.docker.registry import credentials, provider_credentials, registry_of

HUB = "https://index.docker.io/v1/"


def image(name="registry.example.com/ml/churn:7", **registry):
    given = {"server": "", "username": "", "password": ""} | registry
    return Image(
        name=name,
        context=BuildContext(folder=Path(), dockerfile=Path("Dockerfile")),
        platform="linux/amd64",
        args={},
        target=None,
        cache_from=(),
        network=None,
        add_hosts={},
        skip_push=False,
        **given,
    )


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("registry.example.com/ml/churn:7", "registry.example.com"),
        ("127.0.0.1:5000/churn", "127.0.0.1:5000"),
        ("localhost/churn", "localhost"),
        ("someone/churn:7", HUB),
        ("churn", HUB),
        ("docker.io/someone/churn", HUB),
    ],
)
def test_a_name_tells_its_registry(name, server):
    assert registry_of(name) == server


def test_the_programs_credentials_come_before_the_providers():
    known = provider_credentials(
        json.dumps([{"address": "https://registry.example.com/v2/", "username": "all", "password": "known"}])
    )
    assert credentials(image(), known).username == "all"
    own = credentials(image(username="own", password="word", server="https://registry.example.com"), known)
    assert (own.username, own.server) == ("own", "registry.example.com")


def test_half_a_pair_of_credentials_is_left_to_the_machine():
    assert credentials(image(username="own"), {}) is None


def test_passwords_are_not_shown():
    pair = credentials(image(username="own", password="hush"), {})
    assert "hush" not in repr(pair)
    assert "hush" not in repr(image(username="own", password="hush"))
