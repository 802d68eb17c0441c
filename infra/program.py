"""The platform of one environment, in reading order: cluster, teams, images, models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.model_image import ModelImage, ModelImageArgs, RegistryLogin
from components.team_namespace import QUOTA, priority_quota_name
from infra.autoscaling import declare_autoscaler, declare_headroom, declare_spared
from infra.capacity import lines, prove, refuse, values
from infra.clusters import declare_cluster
from infra.contents import priority_class
from infra.devices import declare_device_plugin
from infra.guard import Guard, declare
from infra.outputs import model_outputs
from infra.reach import Reach, reach
from infra.routes import declare_gateways, declare_route, mirroring, routed, weighed
from infra.serving import Declaring
from infra.settings import KUBECONFIG
from infra.suited import refuse_unsuited
from infra.teams import declare_teams, kept, unprotected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.model_route import ModelRoute
    from infra.guard import DeclaredModel
    from infra.serving import Served
    from infra.settings import Model, Settings

__all__ = ["build"]

# The repository's root, seen from the program's folder (`main` in Pulumi.yaml), in which the engine starts program
# and plugins. Relative, so that a state is the same whoever's clone made it.
_ROOT = ".."


def build(settings: Settings, secrets: Mapping[str, str], guard: Guard | None = None) -> dict[str, Any]:
    """Declare everything that the settings describe, and return the stack's outputs.

    `secrets` has the value of each name in `settings.secrets`. `guard` is this run's view of the live cluster; by
    default one is opened, which reads the cluster once. Raises SwitchRefusedError, a RunError, before anything is
    declared, when a switch cannot succeed whatever one waits for; and a RunError where pools of nodes are declared and
    have no room, or the cluster is not one that the settings speak of.
    """
    reached = reach(settings, secrets)
    program = _Program(settings, secrets, _opened(settings, reached) if guard is None else guard)
    plans = {name: program.plan(name) for name in settings.models}
    program.guard.refuse(plans.values())
    proof = prove(settings, program.guard.sizes(plans.values()), program.guard.switching(plans.values()))
    refuse(proof)

    ground = declare_cluster(settings, reached)
    there = pulumi.ResourceOptions(providers=[ground.provider])
    standing = pulumi.ResourceOptions(depends_on=list(ground.ready))
    declare_autoscaler(settings, ground.groups, pulumi.ResourceOptions.merge(there, standing))
    declare_spared(settings, there)
    declare_headroom(settings, there)
    declare_device_plugin(settings, there)
    teams = declare_teams(settings, secrets, ground.provider)
    declare_gateways(settings, teams.main, ground.provider)
    models, shown = {}, {}
    for name, model in settings.models.items():
        first = [*teams.before[model.team], *ground.ready]
        after = pulumi.ResourceOptions.merge(there, pulumi.ResourceOptions(depends_on=first))
        images = program.images(name)
        served = program.serving.model(plans[name], images, after)
        route = program.route(plans[name], served, there)
        models[name] = served
        shown[name] = model_outputs(
            model,
            plans[name],
            ledger=program.guard.ledger(plans[name]),
            healthy=program.verified(plans[name], served, route),
            images=images,
            slots=served.slots,
            url=None if route is None else route.url,
        )
    _tell(program.guard, plans, models, settings, [] if proof is None else lines(proof))
    outputs: dict[str, Any] = {"namespaces": dict(teams.names), "models": shown}
    if ground.kubeconfig is not None:
        outputs[KUBECONFIG] = ground.kubeconfig
    return outputs if proof is None else {**outputs, "capacity": values(proof)}


def _opened(settings: Settings, reached: Reach) -> Guard:
    refuse_unsuited(settings, reached)
    namespaces = {name: settings.namespace(model.team) for name, model in settings.models.items()}
    return Guard.open(
        cluster=reached,
        settings=settings.guard,
        models=namespaces,
        routed=routed(settings),
        mirror=mirroring(settings),
        kept=kept(settings),
    )


def _tell(
    guard: Guard,
    plans: Mapping[str, DeclaredModel],
    models: Mapping[str, Served],
    settings: Settings,
    table: Sequence[str],
) -> None:
    """Say in words what this run will do, as soon as it is known which images and pod templates it would declare.

    `table` comes last: what room all of it has.

    Images that are built and Secrets that are named come from the engine; in a preview they may stay unknown, and
    the words then speak of what is still to be built.
    """
    declared: Mapping[str, Any] = {
        name: {
            "images": {place: held["image"] for place, held in model.slots.items()},
            "contents": {place: held["content"] for place, held in model.slots.items()},
        }
        for name, model in models.items()
    }

    def tell(known: Mapping[str, Any]) -> None:
        informed = [
            plan.knowing(images=_texts(known[name]["images"]), contents=_texts(known[name]["contents"]))
            for name, plan in plans.items()
        ]
        for line in (*guard.report(informed, settings.teams), *unprotected(settings), *table):
            pulumi.log.info(line)

    pulumi.Output.from_input(declared).apply(tell, run_with_unknowns=True)


def _texts(values: Mapping[str, Any]) -> dict[str, str | None]:
    """Put None in place of what a preview does not know."""
    return {key: value if isinstance(value, str) else None for key, value in values.items()}


@dataclass(frozen=True)
class _Program:
    """One run: turns each part of the settings into the arguments of the component that declares it."""

    settings: Settings
    secrets: Mapping[str, str]
    guard: Guard

    @property
    def serving(self) -> Declaring:
        """What declares models."""
        return Declaring(self.settings, self.secrets, self.guard)

    def plan(self, name: str) -> DeclaredModel:
        """Give what the guard knows of a model before anything is declared: images still to be built are left out."""
        model = self.settings.models[name]
        return declare(
            name,
            model,
            namespace=self.settings.namespace(model.team),
            quotas=self._quotas(model),
            priority_class=priority_class(model, self.settings.environment),
            smoke=self.settings.guard.smoke,
            images={
                number: self.settings.reference(version.image)
                for number, version in model.versions.items()
                if version.image is not None
            },
            weighed=weighed(self.settings, name),
        )

    def _quotas(self, model: Model) -> dict[str, Mapping[str, str]]:
        """Give the quotas that count a model's pods, by their names in the cluster."""
        team = self.settings.teams[model.team]
        scoped = {
            priority_quota_name(name): hard
            for name, hard in team.priority_quotas.items()
            if name == model.priority_class
        }
        return {QUOTA: team.quota, **scoped}

    def route(self, plan: DeclaredModel, served: Served, opts: pulumi.ResourceOptions) -> ModelRoute | None:
        """Declare the way in to a model after its routing Service: a promotion moves that one first."""
        after = pulumi.ResourceOptions(depends_on=[served.component])
        gate = self.guard.canary_gate(plan)
        return declare_route(self.settings, plan, gate, pulumi.ResourceOptions.merge(opts, after))

    def verified(
        self, plan: DeclaredModel, served: Served, route: ModelRoute | None
    ) -> pulumi.Input[Mapping[str, str | None]]:
        """Check a model that stands as declared, and give since when each slot has had enough ready pods."""
        if pulumi.runtime.is_dry_run():
            return self.guard.healthy(plan)
        # After Service and route, changed or not: what another hand changed looks unchanged to the engine.
        stands = pulumi.Output.all(served.routed, *([] if route is None else [route.routed]))
        with_route = route is not None and weighed(self.settings, plan.name)
        return stands.apply(lambda _: self.guard.verify(plan, routed=with_route))

    @property
    def _login(self) -> RegistryLogin | None:
        """Who pushes what is built; None for what the Docker engine's user is logged in as."""
        login = self.settings.registry_login
        if login is None:
            return None
        server = self.settings.registry.partition("/")[0]
        return RegistryLogin(server=server, username=login.username, password=self.secrets[login.password])

    def images(self, name: str) -> dict[str, pulumi.Input[str]]:
        """Give the image of every version in a model's catalogue, building those that are built here.

        Every version, not only those that stand in a slot: the state keeps each one's digest, so that putting an
        older version back into a slot runs the very image that served before, not another build of the same files.
        """
        images: dict[str, pulumi.Input[str]] = {}
        for number, version in self.settings.models[name].versions.items():
            if version.image is not None:
                images[number] = self.settings.reference(version.image)
            elif version.build is not None:
                context = f"{_ROOT}/{version.build.context}"
                built = ModelImage(
                    f"{name}/{number}",
                    ModelImageArgs(
                        name=f"{self.settings.registry}/{name}:{number}",
                        context=context,
                        dockerfile=f"{context}/{version.build.dockerfile}",
                        args=version.build.args,
                        network=version.build.network,
                        login=self._login,
                    ),
                )
                images[number] = built.reference
        return images
