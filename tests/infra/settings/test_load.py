"""Reading the engine's configuration, as the program does."""

from __future__ import annotations

import json
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from infra.settings import load, secret_texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a function with a stack's configuration as the engine hands it over, in a project of its own."""
    (tmp_path / "Pulumi.yaml").write_text("name: ml-platform\nstackConfigDir: stacks\nruntime: python\n")
    (tmp_path / "stacks").mkdir()
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(tmp_path))
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")

    def run(
        values: dict[str, Any],
        *,
        file: str | None = None,
        secret: tuple[str, ...] = (),
        then: Callable[[Any], Any] = lambda settings: settings,
    ) -> Any:
        if file is not None:
            (tmp_path / "stacks" / "Pulumi.prod.yaml").write_text(file)
        texts = {
            f"ml-platform:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        }

        def within() -> Any:
            pulumi.runtime.set_all_config(texts, [f"ml-platform:{key}" for key in secret])
            return then(load())

        return copy_context().run(within)

    return run


@pytest.fixture
def decrypted(valid: dict[str, Any]) -> dict[str, Any]:
    """The valid configuration with its secret's value, as the engine decrypts it."""
    return {**valid, "secrets": {"churn-api-key": "hunter2"}}


def test_what_the_engine_hands_over_becomes_settings(engine, decrypted, valid_text):
    settings = engine(decrypted, file=valid_text, secret=("secrets",))
    assert settings.environment == "prod"
    assert settings.secrets == ("churn-api-key",)
    assert settings.models["churn"].active == "blue"


def test_no_value_of_a_secret_is_in_the_settings(engine, decrypted):
    assert "hunter2" not in repr(engine(decrypted, secret=("secrets",)))


def test_the_texts_of_secrets_are_had_only_by_name_and_shown_by_nothing(engine, decrypted):
    texts = engine(decrypted, secret=("secrets",), then=secret_texts)
    assert texts["churn-api-key"] == "hunter2"
    assert dict(texts).keys() == {"churn-api-key"}
    assert "hunter2" not in f"{texts} {texts!r}"


def test_mistakes_have_the_files_lines(engine, decrypted, valid_text):
    decrypted["models"]["churn"]["active"] = "purple"
    with pytest.raises(pulumi.RunError) as caught:
        engine(decrypted, file=valid_text.replace("active: blue", "active: purple"), secret=("secrets",))
    assert str(caught.value) == (
        "the stack's configuration has a mistake; nothing was touched:\n"
        'stacks/Pulumi.prod.yaml:32: models.churn.active: unknown value "purple"; allowed: "blue", "green"'
    )


def test_a_file_that_says_something_else_lends_no_lines(engine, decrypted, valid_text):
    decrypted["models"]["churn"]["active"] = "purple"
    with pytest.raises(pulumi.RunError, match=r"\nmodels\.churn\.active: unknown value"):
        engine(decrypted, file=valid_text, secret=("secrets",))


def test_without_a_file_all_mistakes_are_still_reported(engine, decrypted):
    decrypted["models"]["churn"]["active"] = "purple"
    decrypted["models"]["churn"]["slots"]["green"] = "10"
    with pytest.raises(pulumi.RunError, match="has 2 mistakes"):
        engine(decrypted, secret=("secrets",))


def test_a_plain_secret_is_refused_without_a_file(engine, decrypted):
    with pytest.raises(pulumi.RunError, match=r"secrets\.churn-api-key: a secret in plain text") as caught:
        engine(decrypted)
    assert "hunter2" not in str(caught.value)


def test_a_secure_value_elsewhere_is_refused_without_showing_anything_of_it(engine, decrypted):
    decrypted["models"]["churn"]["env"]["DATABASE"] = "hunter3"
    with pytest.raises(pulumi.RunError, match="models: a secure value inside") as caught:
        engine(decrypted, secret=("secrets", "models"))
    assert "hunter" not in str(caught.value)


def test_an_empty_file_is_called_empty(engine):
    with pytest.raises(pulumi.RunError) as caught:
        engine({}, file="")
    [told] = str(caught.value).splitlines()[1:]
    assert told.startswith("stacks/Pulumi.prod.yaml:1: the file is empty; a stack needs environment")


def test_a_fraction_as_a_key_keeps_its_place(engine, decrypted, valid_text):
    decrypted["models"]["churn"]["versions"]["1.1"] = decrypted["models"]["churn"]["versions"].pop("9")
    with pytest.raises(pulumi.RunError) as caught:
        engine(decrypted, file=valid_text.replace('"9"', "1.10", 1), secret=("secrets",))
    assert 'versions["1.10"]: 1.10 is read as a number' in str(caught.value)


def test_an_unknown_key_is_refused_without_a_file(engine, decrypted):
    decrypted["model"] = {}
    with pytest.raises(pulumi.RunError, match='model: unknown key; did you mean "models"'):
        engine(decrypted, secret=("secrets",))


def test_keys_of_other_programs_are_left_alone(engine, decrypted, monkeypatch):
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"aws:region": "eu"}))
    assert engine(decrypted, secret=("secrets",)).environment == "prod"


def test_numbers_and_dates_that_the_engine_reads_otherwise_keep_their_places(engine, decrypted, valid_text):
    decrypted["models"]["churn"]["env"] |= {"BATCH": 16, "SINCE": "2026-01-01T00:00:00Z"}
    file = valid_text.replace("LOG_LEVEL: info", "LOG_LEVEL: info, BATCH: 0x10, SINCE: 2026-01-01")
    with pytest.raises(pulumi.RunError) as caught:
        engine(decrypted, file=file, secret=("secrets",))
    told = str(caught.value).splitlines()[1:]
    assert [line.split(": ")[0] for line in told] == ["stacks/Pulumi.prod.yaml:17"] * 2
