from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from rollout.stack_text import TextError, entry, with_entry, with_image

REPOSITORY = Path(__file__).resolve().parents[2]
OTHER = "churn@sha256:" + "0" * 64
VERSIONS = ("models", "churn", "versions")

BLOCK = dedent("""\
    # The platform.
    models:
        churn:   # four spaces
            versions: # append-only
                "7": {image: 'churn@sha256:aa', env: {A: "1"}}   # one line

                '8':
                    # how it is built
                    build:
                        context: examples/churn   # here
                        args: {VERSION: "8"}
                    # what it needs
                    resources: {memory: 2Gi}
            slots: {blue: "7", green: "8"}
    last:   value
    """)


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    return [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]


# Pulumi.local.yaml is a sandbox's own, not the repository's.
STACKS = sorted(path for path in (REPOSITORY / "stacks").glob("*.yaml") if path.name != "Pulumi.local.yaml")


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_version_of_our_own_stacks_can_be_pinned_with_all_other_bytes_kept(path):
    text = path.read_text()
    models = yaml.safe_load(text)["config"]["ml-platform:models"]
    for model, declared in models.items():
        for version in declared["versions"]:
            keys = ("config", "ml-platform:models", model, "versions")
            after = with_image(text, keys, str(version), OTHER)
            [(before_line, after_line)] = changed_lines(text, after)
            indent = before_line[: len(before_line) - len(before_line.lstrip())]
            assert after_line == f"{indent}image: {OTHER}"
            expected = yaml.safe_load(text)
            new = expected["config"]["ml-platform:models"][model]["versions"][version]
            new.pop("build", None)
            new["image"] = OTHER
            assert yaml.safe_load(after) == expected


def test_an_image_keeps_its_quotes_and_the_comment_behind_it():
    [(before, after)] = changed_lines(BLOCK, with_image(BLOCK, VERSIONS, "7", OTHER))
    assert after == before.replace("churn@sha256:aa", OTHER)


def test_a_build_over_several_lines_becomes_one_image_and_the_comments_around_it_stay():
    after = with_image(BLOCK, VERSIONS, "8", OTHER)
    start, end = BLOCK.index("build:"), BLOCK.index('"8"}') + len('"8"}')
    assert after == f"{BLOCK[:start]}image: {OTHER}{BLOCK[end:]}"


def test_a_build_on_one_line_keeps_the_comment_behind_it():
    text = 'models: {churn: {versions: {"8": {build: {context: x}, env: {A: "1"}}}}} # all of it\n'
    assert with_image(text, VERSIONS, "8", OTHER) == text.replace("build: {context: x}", f"image: {OTHER}")


def test_windows_line_ends_are_kept():
    text = BLOCK.replace("\n", "\r\n")
    assert with_image(text, VERSIONS, "7", OTHER) == with_image(BLOCK, VERSIONS, "7", OTHER).replace("\n", "\r\n")
    added = with_entry(text, VERSIONS, '"9": {image: x}')
    assert added == with_entry(BLOCK, VERSIONS, '"9": {image: x}').replace("\n", "\r\n")


def test_a_version_is_taken_over_as_it_is_written_at_the_indentation_of_its_new_place():
    taken = entry(BLOCK, VERSIONS, "8")
    target = dedent("""\
        models:
          churn:
            versions:
              "7":
                image: a@sha256:bb # proved
            active: blue
        """)
    after = with_entry(target, VERSIONS, taken)
    assert after == dedent("""\
        models:
          churn:
            versions:
              "7":
                image: a@sha256:bb # proved
              '8':
                  # how it is built
                  build:
                      context: examples/churn   # here
                      args: {VERSION: "8"}
                  # what it needs
                  resources: {memory: 2Gi}
            active: blue
        """)
    assert yaml.safe_load(after)["models"]["churn"]["versions"]["8"]["resources"] == {"memory": "2Gi"}


def test_a_version_is_taken_over_into_a_catalogue_on_one_line():
    text = 'models: {churn: {versions: {"7": {image: x}}}} # all of it\n'
    after = with_entry(text, VERSIONS, entry(BLOCK, VERSIONS, "8"))
    assert yaml.safe_load(after)["models"]["churn"]["versions"]["8"]["build"]["args"] == {"VERSION": "8"}
    assert after.endswith("# all of it\n")


def test_a_catalogue_at_the_end_of_a_file_without_a_last_line_end_is_added_to():
    text = 'models:\n  churn:\n    versions:\n      "7": {image: x}'
    assert with_entry(text, VERSIONS, '"8": {image: y}') == f'{text}\n      "8": {{image: y}}'


def test_an_alias_is_not_written_through():
    text = 'common: &all {image: x}\nmodels: {churn: {versions: {"7": *all}}}\n'
    with pytest.raises(TextError, match="line 2: 7 is an alias"):
        with_image(text, VERSIONS, "7", OTHER)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("models: {churn: {versions: {}}}", "no key 7"),
        ('models: {churn: {versions: {"7": {env: {}}}}}', "neither image nor build"),
        ("models: {churn: 7}", "no key versions"),
        ("models: [", "not YAML"),
    ],
)
def test_a_place_that_is_not_there_is_named(text, why):
    with pytest.raises(TextError, match=why):
        with_image(text, VERSIONS, "7", OTHER)
