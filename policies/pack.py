"""The rules as Pulumi runs them: one mandatory ResourceValidationPolicy each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from policies.rules import RULES, UNKNOWN, Rule, concerns, findings

__all__ = ["plain", "policies", "validator"]

_SEVERITIES = {"medium": Severity.MEDIUM, "high": Severity.HIGH, "critical": Severity.CRITICAL}


def policies() -> list[Policy]:
    """Return every rule as a policy. The SDK's default level is advisory, which blocks nothing: ours is mandatory."""
    return [
        ResourceValidationPolicy(
            name=rule.id,
            description=rule.description,
            validate=validator(rule),
            enforcement_level=EnforcementLevel.MANDATORY,
            severity=_SEVERITIES[rule.severity],
            remediation_steps=rule.remedy,
            url=rule.source,
        )
        for rule in RULES
    ]


def validator(rule: Rule) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    """Return a rule's validation function in the SDK's shape."""

    def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        if not concerns(rule, args.resource_type):
            return  # before the proxies are unwrapped, which costs more than the rule itself
        unchecked: UnknownValueError | None = None
        for finding in findings(rule, args.resource_type, plain(args.props)):
            if finding.unknown:
                unchecked = unchecked or UnknownValueError(UNKNOWN_STRING_VALUE, finding.path.split("."))
            else:
                report_violation(rule.message(finding), None)
        if unchecked is not None:
            # Raised last, so that it hides no violation: the SDK turns it into an advisory note, "can't run ... during
            # preview". The `up` checks again, with every value known, before the resource is touched.
            raise unchecked

    return validate


def plain(value: Any) -> Any:
    """Turn the SDK's proxies into dicts and lists, whole floats into ints, and values not known yet into UNKNOWN.

    The proxies are no dicts, and raise on the first unknown value: a rule would lose all that comes after it.
    """
    # Most values are text, and asking whether something is a Mapping is slow.
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(key): _known(value, key) for key in value}
    if isinstance(value, Sequence):
        return [_known(value, index) for index in range(len(value))]
    return value


def _known(holder: Any, key: Any) -> Any:
    try:
        return plain(holder[key])
    except UnknownValueError:
        return UNKNOWN
