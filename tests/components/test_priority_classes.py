from __future__ import annotations

from components.priority_classes import Priority, PriorityClasses, PriorityClassesArgs


def test_a_class_has_the_environment_in_its_name_and_is_nobodys_default(engine):
    classes = {
        "batch": Priority(value=-10, preemption="Never", description="may wait"),
        "urgent": Priority(value=1000, preemption="PreemptLowerPriority"),
    }
    args = PriorityClassesArgs(environment="prod", classes=classes)
    declared = engine.run(lambda: PriorityClasses("priorities", args))
    batch, urgent = (declared.object("PriorityClass", f"{name}-prod") for name in ("batch", "urgent"))
    assert (batch["value"], batch["preemptionPolicy"], batch["description"]) == (-10, "Never", "may wait")
    assert "description" not in urgent
    assert "globalDefault" not in batch
    assert batch["metadata"]["labels"]["ml-platform/environment"] == "prod"
