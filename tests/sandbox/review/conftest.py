"""One control plane with this repository's prod applied; every test previews a change of its own on it."""

from __future__ import annotations

import itertools

import pytest
import yaml

from review.compare import applied, check
from review.ended import ReviewError
from review.plane import find_programs
from review.stack import stack_file
from review.trees import copy_head
from sandbox.paths import REPOSITORY

SECRET = {"secure": "v1:nobody:has-the-passphrase-of-this"}


class Change:
    """A copy of the repository to change, and its preview."""

    def __init__(self, stands, directory):
        self._stands = stands
        self.tree = directory
        copy_head(REPOSITORY, directory)
        self.file = stack_file(directory, "prod")
        self.config = prepared(self.file)
        self.teams, self.models = (self.config[f"ml-platform:{key}"] for key in ("teams", "models"))

    def replace(self, path, old, new):
        file = self.tree / path
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))

    def enter(self):
        write(self.file, self.config)
        self._stands.stack.enter(self.tree)

    def preview(self):
        write(self.file, self.config)
        return check("prod", self.tree, against="main") or self._stands.preview(self.tree)


def prepared(file):
    """Give a configuration with what the repository's own has not: a secret, an image built here, a team to go."""
    config = yaml.safe_load(file.read_text())["config"]
    churn = config["ml-platform:models"]["churn"]
    churn["secretEnv"] = {"API_KEY": "churn-api-key"}
    churn["versions"]["6"] = {"build": {"context": "examples/iris"}}
    config["ml-platform:secrets"] = {"churn-api-key": SECRET}
    config["ml-platform:teams"]["search"]["protect"] = False
    return config


def write(file, config):
    # As from another provider of secrets, whose key nobody here has.
    document = {"secretsprovider": "awskms://alias/nobody", "encryptedkey": "AAAA", "config": config}
    file.write_text(yaml.safe_dump(document, sort_keys=False))


@pytest.fixture(scope="session")
def stands(tmp_path_factory):
    directory = tmp_path_factory.mktemp("review")
    try:
        programs = find_programs(print)
    except ReviewError as error:
        pytest.skip(str(error))
    base = directory / "base"
    copy_head(REPOSITORY, base)
    file = stack_file(base, "prod")
    write(file, prepared(file))
    with applied("prod", base, directory, programs, words="main", report=print) as stands:
        yield stands


@pytest.fixture
def change(stands, tmp_path_factory, request):
    return Change(stands, tmp_path_factory.mktemp(f"head{next(_NUMBERS)}-"))


_NUMBERS = itertools.count()
