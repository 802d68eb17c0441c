"""Going back to a version brings back exactly what it was: image, configuration and secrets, byte for byte."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.timeout(600)

# Others than the two that the stack begins with: what has served is never changed.
VERSIONS = ("11", "12", "13", "14", "15")


def digest(version: str) -> str:
    return version * 32


def served(stack) -> dict[str, object]:
    """Return all that the pods which serve are made of, objects that they name included, as the API server has it."""
    slot = stack.service()["spec"]["selector"]["ml-platform/slot"]
    template = stack.get(f"deployments/iris-{slot}", "/apis/apps/v1")["spec"]["template"]
    container = template["spec"]["containers"][0]
    named = {
        f"{kind}/{source[reference]['name']}"
        for kind, reference in (("configmaps", "configMapRef"), ("secrets", "secretRef"))
        for source in container.get("envFrom", ())
        if reference in source
    }
    named |= {
        f"secrets/{variable['valueFrom']['secretKeyRef']['name']}"
        for variable in container.get("env", ())
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    held = {}
    for path in sorted(named):
        found = stack.get(path)
        assert found["immutable"] is True
        held[path] = found["data"]
    return {"slot": slot, "template": template, "held": held}


def test_five_versions_in_turn_and_back_to_the_first_is_byte_for_byte_what_it_was(stack):
    for number in VERSIONS:
        stack.secret(f"key-{number}", f"hush-{number}")
    stack.model["versions"] |= {
        version: {
            "image": f"iris@sha256:{digest(version)}",
            "env": {"THRESHOLD": f"0.{version}"},
            "secretEnv": {"API_KEY": f"key-{version}"},
        }
        for version in VERSIONS
    }
    stack.model["idle"] = {"soak": 0}
    seen, slots = {}, ("green", "blue")
    for index, version in enumerate(VERSIONS):
        # The next version into the slot that does not serve, and the switch to it, in one `up`.
        idle = slots[index % 2]
        stack.model["slots"][idle] = version
        stack.model["active"] = idle
        stack.up()
        seen[version] = served(stack)
        assert seen[version]["template"]["spec"]["containers"][0]["image"].endswith(digest(version))
        assert len(seen[version]["held"]) == 2
    assert len({str(one["held"]) for one in seen.values()}) == len(VERSIONS)
    # The fifth serves from green, the fourth stands in blue. The first goes back to the slot that it served from.
    stack.model["active"] = "blue"
    stack.up()
    stack.model["slots"]["green"] = VERSIONS[0]
    stack.model["active"] = "green"
    stack.up()
    assert served(stack) == seen[VERSIONS[0]]


def test_no_secret_stands_in_plain_text_in_state_or_in_what_is_printed(stack):
    stack.secret("key", "correct-horse-battery")
    stack.model["secretEnv"] = {"API_KEY": "key"}
    stack.model["active"] = "blue"
    printed = [stack.run("preview", "--diff"), stack.run("preview", "--json"), stack.up("--diff")]
    state = stack.run("stack", "export")
    events = str(stack.get("events"))
    # As it is, and as the API server keeps a Secret's data.
    for text in (*printed, state, events):
        assert "correct-horse-battery" not in text
        assert "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5" not in text
    assert '"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"' in state
