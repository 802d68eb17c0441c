"""All rules on all objects: one by one as they arrive, and between them when they are all there."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from policies.bookkeeping import EXEMPTION_IN_FORCE
from policies.neighbours import Neighbours
from policies.rules import RULES, Finding, Object, Rule, Stack, objects
from policies.rules.pod_security import implied

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policies.configured import Configured, Level
    from policies.exempt import Exemption, Exemptions
    from policies.rules.rule import Manifest

__all__ = ["Judgement", "Told", "judge"]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is told of one object by one rule."""

    rule: Rule
    title: str
    """The object: kind, namespace, name."""
    where: str
    """The resource's URN, or the file."""
    finding: Finding
    level: Level
    exemption: Exemption | None = None

    @property
    def unknown(self) -> bool:
        """Whether it could not be checked."""
        return self.finding.unknown

    @property
    def violation(self) -> bool:
        """Whether a rule is broken, and nobody has exempted it."""
        return not self.unknown and self.exemption is None

    @property
    def message(self) -> str:
        """What is wrong, where, and how to mend it."""
        return self.rule.message(self.finding)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same as one that was told before."""
        return self.rule.id, self.title, self.finding.path, self.finding.found


class Judgement:
    """The rules at work on one stack, or on the files of one command."""

    def __init__(
        self, configured: Configured, exemptions: Exemptions, *, of_files: bool = False, partial: bool = False
    ) -> None:
        """Begin with nothing looked at.

        Args:
            configured: levels and options.
            exemptions: what may break a rule.
            of_files: it is about plain files, which have no state that could hold a secret.
            partial: what is looked at is not all that there is, so that nothing is said about what is missing.

        """
        self.told: list[Told] = []
        self._configured = configured
        self._exemptions = exemptions
        self._of_files = of_files
        self._partial = partial
        self._seen: dict[str, list[Object]] = {}
        self._where: dict[int, str] = {}
        self._keys: set[tuple[str, ...]] = set()
        self._stack = Stack(complete=False)
        self._neighbours = Neighbours()
        self._across: list[Rule] = []
        self._alone: dict[str, list[Rule]] = defaultdict(list)
        self._between: dict[str, list[Rule]] = defaultdict(list)
        self._chosen = {rule.id: rule.settled(configured.chosen(rule)) if rule.options else {} for rule in RULES}
        self._implied = implied(configured.kubernetes)
        for rule in RULES:
            if configured.level(rule) == "disabled" or (of_files and rule.of_state):
                continue
            if rule.across:
                self._across.append(rule)
            for kind in rule.kinds:
                (self._between if rule.across else self._alone)[kind].append(rule)

    @property
    def objects(self) -> int:
        """How many objects were looked at."""
        return sum(map(len, self._seen.values()))

    @property
    def unchecked(self) -> Counter[str]:
        """How many objects each rule could not be checked for."""
        return Counter(rule for rule, _ in {(one.rule.id, one.title) for one in self.told if one.unknown})

    def look(self, resource_type: str, properties: Manifest, where: str) -> list[Told]:
        """Judge a resource before it is applied: by itself, and beside what came before it."""
        arrived = self._arrive(resource_type, properties, where)
        told = [one for each in arrived for one in (*self._by_itself(each), *self._beside_others(each))]
        return self._remember(told)

    def conclude(self, wheres: Iterable[str] | None = None) -> list[Told]:
        """Judge what lies between objects once all are there, and the exemptions.

        Args:
            wheres: the resources that there are; one that was looked at and is none of these is gone. All, by default.

        """
        if wheres is not None:
            for where in set(self._seen) - set(wheres):
                self._leave(where)
        self._stack.complete = not self._partial
        told = [
            self._tell(rule, finding.about, finding)
            for rule in self._across
            for finding in rule.check(self._stack, **self._chosen[rule.id])
            if finding.about is not None
        ]
        self._stack.complete = False
        return self._remember([*told, *self._about_exemptions()])

    def seen(self, where: str) -> bool:
        """Tell whether a resource was looked at."""
        return where in self._seen

    def _arrive(self, resource_type: str, properties: Manifest, where: str) -> list[Object]:
        self._leave(where)
        arrived = list(objects(resource_type, properties))
        self._seen[where] = arrived
        for each in arrived:
            self._stack.add(each)
            self._neighbours.add(each)
            self._where[id(each)] = where
        return arrived

    def _leave(self, where: str) -> None:
        for each in self._seen.pop(where, ()):
            self._stack.remove(each)
            self._neighbours.remove(each)
            self._where.pop(id(each), None)

    def _by_itself(self, each: Object) -> Iterator[Told]:
        for rule in self._alone[each.kind]:
            # One mistake is told once. A part of an object is judged by both, since the stricter rule may not apply.
            if (each.partial and rule.requires) or (not each.partial and rule.id in self._implied):
                continue
            for finding in each.placed(rule.check(each.manifest, **self._chosen[rule.id])):
                yield self._tell(rule, each, finding)

    def _beside_others(self, each: Object) -> Iterator[Told]:
        rules = self._between[each.kind]
        near = self._neighbours.of(each) if rules else None
        for rule in rules:
            among = self._stack if rule.wide or near is None else near
            for finding in rule.check(among, **self._chosen[rule.id]):
                # What is not known now may be so in the end.
                if not finding.unknown and (finding.about is each or each in finding.also):
                    yield self._tell(rule, finding.about or each, finding)

    def _tell(self, rule: Rule, about: Object, finding: Finding) -> Told:
        return Told(
            rule=rule,
            title=about.title,
            where=self._where.get(id(about), ""),
            finding=replace(finding, about=None, also=()),
            level=self._configured.level(rule),
            exemption=None if finding.unknown else self._exemptions.holds(rule, about),
        )

    def _about_exemptions(self) -> Iterator[Told]:
        there = [each for found in self._seen.values() for each in found]
        titles = {each.title for each in there}
        # Files are seldom all that there is: what they do not hold may stand elsewhere.
        namespaces = {each.name if each.kind == "Namespace" else each.namespace for each in there}
        if self._of_files:
            namespaces = set()
        for exemption, found in self._exemptions.problems(titles, namespaces):
            yield Told(
                rule=EXEMPTION_IN_FORCE,
                title=exemption.resource,
                where="policies/exemptions.yaml",
                finding=Finding(path=exemption.rule, found=found),
                level="mandatory",
            )

    def _remember(self, told: list[Told]) -> list[Told]:
        fresh = []
        for one in told:
            if one.key not in self._keys:
                self._keys.add(one.key)
                fresh.append(one)
        self.told += fresh
        return fresh


def judge(resources: Iterable[tuple[str, dict[str, Any], str]], judgement: Judgement) -> list[Told]:
    """Judge all of some resources, each a type token, its properties and where it stands."""
    for resource_type, properties, where in resources:
        judgement.look(resource_type, properties, where)
    judgement.conclude()
    return judgement.told
