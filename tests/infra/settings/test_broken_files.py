"""Stack files that are wrong in one way several times over; beside each, all that must be said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.check import main
from infra.settings import Document, Settings, SettingsError

FILES = sorted((Path(__file__).parent / "broken").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_mistake_of_a_broken_file_is_reported_at_once(path):
    with pytest.raises(SettingsError) as caught:
        Settings.of(Document.read(path, path.name))
    assert f"{caught.value}\n" == path.with_suffix(".txt").read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_check_refuses_a_broken_file_without_a_traceback(path, capsys):
    assert main([str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    expected = path.with_suffix(".txt").read_text().splitlines()
    lines = printed.err.splitlines()
    assert [line.split("broken/")[-1] for line in lines[:-1]] == expected
    assert lines[-1].endswith(f"{path.name}: {len(expected)} mistake{'s' * (len(expected) > 1)}")


def test_every_way_to_be_wrong_is_there():
    assert [path.stem for path in FILES] == [
        "bad-aks",
        "bad-canary",
        "bad-duration",
        "bad-eks",
        "bad-existing",
        "bad-gke",
        "bad-ingress",
        "bad-kind",
        "bad-name",
        "bad-pods",
        "bad-pools",
        "bad-quantity",
        "bad-route",
        "bad-scale",
        "both-slots-empty",
        "duplicate-key",
        "empty-file",
        "min-above-max",
        "missing-team",
        "no-context",
        "secret-in-plain-text",
        "small-quota",
        "unknown-active",
        "unknown-key",
        "unknown-version",
        "version-as-number",
        "wrong-strategy",
    ]


def test_no_secret_is_ever_shown():
    text = (Path(__file__).parent / "broken" / "secret-in-plain-text.txt").read_text()
    assert "correct-horse" not in text
    assert "sk-not-a-real-key" not in text
