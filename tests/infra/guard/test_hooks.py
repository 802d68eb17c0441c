"""The hooks as the engine calls them, as far as no cluster is needed; what waits is tested in tests/sandbox/guard."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pulumi
import pytest

from infra.guard import Gate, Guard, SwitchRefusedError
from infra.observed import Observed, Reason, ReasonKind
from infra.settings.guard import Guard as GuardSettings


def asked(old, new):
    return pulumi.ResourceHookArgs("urn", "id", "name", "type", new, old)


def service(slot, **labels):
    return {"metadata": {"labels": labels}, "spec": {"selector": {"ml-platform/slot": slot}}}


def deployment(content):
    return {"metadata": {"annotations": {"ml-platform/content": content}}}


def unreachable():
    raise AssertionError("nobody was to be asked")


def gate(given, model, seen, **options):
    options = {"connect": unreachable, "deadline": lambda _: 1, "dry_run": lambda: False, **options}
    return Gate(model=model, seen=seen, sizes={"blue": 2, "green": 2}, **options)


def guard(given, seen):
    return Guard(connect=unreachable, observed=Observed(models={"iris": seen}), settings=GuardSettings(), now=given.now)


def test_an_update_that_keeps_the_selector_passes_unasked(given):
    gated = gate(given, given.model(), given.live())
    asyncio.run(gated(asked(service("blue"), service("blue", team="another"))))


def test_an_update_for_another_reason_is_asked_when_a_hand_has_moved_the_traffic(given):
    """It would move the traffic back, onto a slot that nobody has looked at since."""
    gated = gate(given, given.model(), given.live(routing="green", blue=a_crashing(given)), dry_run=lambda: True)
    with pytest.raises(SwitchRefusedError, match="iris-blue already is version 1 and does not run"):
        asyncio.run(gated(asked(service("blue"), service("blue", team="another"))))


def a_crashing(given):
    crash = Reason(kind=ReasonKind.CRASH, text="CrashLoopBackOff", count=5)
    return given.slot(given.one, ready=0, pods=(given.pod(name="p", image=given.one, reasons=(crash,)),))


def test_what_becomes_known_of_the_slots_decides_in_a_preview(given):
    gated = gate(given, given.model(active="green"), given.live(), dry_run=lambda: True)

    async def engine():
        contents = {"blue": pulumi.Output.from_input("c1, changed"), "green": pulumi.Output.secret("c2")}
        gated.declare(images={"blue": given.one, "green": None}, contents=contents)
        await gated(asked(service("blue"), service("green")))

    with pytest.raises(SwitchRefusedError, match="slot blue, which serves now, would change"):
        asyncio.run(engine())


def test_the_serving_slot_is_kept_still_only_while_traffic_is_switched_away(given):
    run = guard(given, given.live())
    assert run.keep(given.model(active="green"), "blue") is not None
    assert run.keep(given.model(active="green"), "green") is None
    assert run.keep(given.model(active="blue"), "blue") is None


@pytest.mark.parametrize(
    "new",
    [deployment("c9"), deployment(pulumi.output.Unknown()), deployment(None), {}],
    ids=["changed", "unknown", "without", "empty"],
)
def test_a_change_of_the_serving_slot_is_stopped_before_it_is_touched(given, new):
    still = guard(given, given.live()).keep(given.model(active="green"), "blue")
    with pytest.raises(SwitchRefusedError, match="add a version instead"):
        asyncio.run(still(asked(deployment("c1"), new)))


def test_a_change_around_the_serving_slot_s_pods_passes(given):
    still = guard(given, given.live()).keep(given.model(active="green"), "blue")

    async def engine():
        await still(asked(deployment("c1"), deployment("c1")))
        secret = {"metadata": pulumi.Output.secret(deployment("c1")["metadata"])}
        await still(asked(deployment("c1"), secret))

    asyncio.run(engine())


def test_a_slow_start_is_waited_for_unless_the_stack_sets_a_deadline(given):
    blue = replace(given.model().slots["blue"], start_within=1800)
    model = given.model(slots={"blue": blue})
    deadlines = [
        Guard(connect=unreachable, observed=Observed(), settings=settings, now=given.now).gate(model)._deadline("blue")
        for settings in (GuardSettings(), GuardSettings(deadline=60))
    ]
    assert deadlines == [2400, 60]


def test_a_refusal_is_an_error_that_the_engine_prints_without_a_traceback():
    assert issubclass(SwitchRefusedError, pulumi.RunError)
