"""The pack as Pulumi's engine speaks to it.

Not by the SDK's `PolicyPack`: it unwraps a resource's properties anew for each of its policies, which is most of the
time and grows with their number. Here a resource is unwrapped once, and its kind says which rules look at it; each rule
is a policy of its own to the engine all the same, with its name, level, severity and options. `docs/policies.md` has
the figures.

Source: `pulumi/analyzer.proto` of the engine, and `pulumi_policy.policy` for what the engine expects.
"""

from __future__ import annotations

import gc
import sys
import time
from concurrent import futures
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import grpc
from google.protobuf import empty_pb2, json_format

from policies.bookkeeping import ALL, EXEMPTION_IN_FORCE, NOT_CHECKED_YET
from policies.exempt import Exemptions
from policies.judgement import Judgement
from policies.protocol import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2
from policies.rules import RULES
from policies.unwrap import unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from policies.configured import Configured, Level
    from policies.exempt import Exemption
    from policies.judgement import Told
    from policies.rules import Rule

__all__ = ["Analyzer", "serve"]

NAME = "ml-platform"
VERSION = "0.1.0"

_LEVELS: Mapping[Level, Any] = {
    "advisory": analyzer_pb2.ADVISORY,
    "mandatory": analyzer_pb2.MANDATORY,
    "disabled": analyzer_pb2.DISABLED,
}
_SEVERITIES = {
    "medium": analyzer_pb2.POLICY_SEVERITY_MEDIUM,
    "high": analyzer_pb2.POLICY_SEVERITY_HIGH,
    "critical": analyzer_pb2.POLICY_SEVERITY_CRITICAL,
}
_LARGEST_MESSAGE = 400 * 1024 * 1024  # the engine's own bound: AnalyzeStack carries the whole stack


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers the engine. One call at a time, so that nothing need be locked."""

    def __init__(self, configured: Configured, exemptions: tuple[Exemption, ...], *, today: date) -> None:
        self._configured = configured
        self._exemptions = exemptions
        self._today = today
        self._stack: str | None = None
        self._judgement = self._fresh()

    def _fresh(self) -> Judgement:
        held = Exemptions(self._exemptions, today=self._today, stack=self._stack)
        return Judgement(self._configured, held)

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002  (the protocol's own name)
        """Tell the engine that the pack is there."""
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Tell the pack's version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Tell every rule, with its options' schema."""
        info = analyzer_pb2.AnalyzerInfo(name=NAME, version=VERSION, supportsConfig=True)
        for rule in RULES:
            kind = analyzer_pb2.POLICY_TYPE_STACK if rule.across else analyzer_pb2.POLICY_TYPE_RESOURCE
            policy = info.policies.add(
                name=rule.id,
                description=rule.description,
                enforcementLevel=_LEVELS[self._configured.level(rule)],
                severity=_SEVERITIES[rule.severity],
                remediation_steps=rule.remedy,
                url=rule.source,
                policy_type=kind,
            )
            if rule.options:
                # The engine sends a schema's defaults back as if they were chosen: they must be ours.
                chosen = rule.settled(self._configured.chosen(rule))
                schemas = {name: option.schema() | {"default": chosen[name]} for name, option in rule.options.items()}
                policy.configSchema.properties.update(schemas)
        for rule in ALL:
            info.policies.add(
                name=rule.id,
                description=rule.description,
                enforcementLevel=analyzer_pb2.MANDATORY if rule is EXEMPTION_IN_FORCE else self._not_checked,
                severity=_SEVERITIES[rule.severity],
                remediation_steps=rule.remedy,
                policy_type=analyzer_pb2.POLICY_TYPE_STACK,
            )
        return info

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take what Pulumi has configured: `--policy-pack-config`, or the service's policy groups."""
        try:
            for name, policy in request.policyConfig.items():
                level = next((level for level, value in _LEVELS.items() if value == policy.enforcementLevel), None)
                if name == NOT_CHECKED_YET.id:
                    said: Literal["report", "fail"] = "fail" if level == "mandatory" else "report"
                    self._configured = replace(self._configured, not_checked=said)
                elif name in {rule.id for rule in RULES}:
                    options = json_format.MessageToDict(policy.properties)
                    self._configured = self._configured.changed(name, level, options)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        self._judgement = self._fresh()
        return empty_pb2.Empty()

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Take the stack's name, and begin anew."""
        self._stack = request.stack or None
        self._judgement = self._fresh()
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Judge one resource, before it is applied."""
        if not request.type.startswith("kubernetes:"):
            return analyzer_pb2.AnalyzeResponse()
        told = self._judgement.look(request.type, unwrapped(request.properties), request.urn)
        return analyzer_pb2.AnalyzeResponse(diagnostics=self._diagnostics(told, shown=request.urn))

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Judge what lies between resources, and count what could not be checked."""
        answer = analyzer_pb2.AnalyzeResponse()
        for resource in request.resources:
            # `pulumi policy analyze` and targeted updates show resources here that were not looked at before.
            if resource.type.startswith("kubernetes:") and not self._judgement.seen(resource.urn):
                told = self._judgement.look(resource.type, unwrapped(resource.properties), resource.urn)
                answer.diagnostics.extend(self._diagnostics(told))
        told = self._judgement.conclude(resource.urn for resource in request.resources)
        answer.diagnostics.extend(self._diagnostics(told))
        if unchecked := self._judgement.unchecked:
            rules = ", ".join(f"{rule} ({count})" for rule, count in sorted(unchecked.items()))
            message = f"{unchecked.total()} checks wait for the `up`: {rules}"
            answer.diagnostics.append(self._diagnostic(NOT_CHECKED_YET, message, self._not_checked))
        self._judgement = self._fresh()  # the next operation of this process is another plan
        return answer

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Stop waiting, which this never does."""
        return empty_pb2.Empty()

    @property
    def _not_checked(self) -> Any:
        return analyzer_pb2.MANDATORY if self._configured.not_checked == "fail" else analyzer_pb2.ADVISORY

    def _diagnostics(self, told: Iterable[Told], *, shown: str | None = None) -> list[Any]:
        """Tell the engine.

        It shows all that an object's arrival brings under that object, `shown`, whatever it is about: the message then
        begins with what is to be mended.
        """
        answers, waiting = [], dict[tuple[str, str], list[str]]()
        for one in told:
            urn = one.where if one.where.startswith("urn:") else ""
            if one.unknown:
                waiting.setdefault((one.rule.id, urn), []).append(one.finding.path)
            elif one.exemption is not None:
                until = f"{one.finding.found}; exempted until {one.exemption.until}: {one.exemption.reason}"
                answers.append(self._diagnostic(one.rule, until, analyzer_pb2.ADVISORY, urn))
            else:
                message = one.message if shown in (None, one.where) else f"{one.title}: {one.message}"
                answers.append(self._diagnostic(one.rule, message, _LEVELS[one.level], urn))
        by_id = {rule.id: rule for rule in RULES}
        for (rule, urn), paths in waiting.items():
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            message = (
                f"not checked yet: {paths[0]}{more} is known to the `up` only, which checks it before it is applied"
            )
            answers.append(self._diagnostic(by_id[rule], message, analyzer_pb2.ADVISORY, urn))
        return answers

    @staticmethod
    def _diagnostic(rule: Rule, message: str, level: Any, urn: str = "") -> Any:
        return analyzer_pb2.AnalyzeDiagnostic(
            policyName=rule.id,
            policyPackName=NAME,
            policyPackVersion=VERSION,
            description=rule.description,
            message=f"{rule.description}\n{message}",
            enforcementLevel=level,
            urn=urn,
            severity=_SEVERITIES[rule.severity],
        )


class _NothingMended(grpc.ServerInterceptor):  # type: ignore[type-arg]  # which it takes from type checkers alone
    """Refuses `Remediate`, which the engine asks before each `Analyze` and does without.

    A pack that mends what it does not like has plans that nobody wrote. Refused here, before a resource's properties
    are read, it costs half.
    """

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Offer every method but that one."""
        return None if details.method.endswith("/Remediate") else continuation(details)


def serve(analyzer: Analyzer) -> None:
    """Serve the engine until it ends the process; it reads the port from the first line."""
    options = [("grpc.max_receive_message_length", _LARGEST_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), interceptors=[_NothingMended()], options=options)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(analyzer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    gc.freeze()  # rules and messages stay until the end, where Python would look through them once more
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        server.stop(0)
