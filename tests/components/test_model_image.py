from __future__ import annotations

from components.model_image import ModelImage, ModelImageArgs, RegistryLogin


def declare(engine, **args):
    plain = {"name": "registry.example.com/ml/iris:2", "context": "../examples/iris", "dockerfile": "../Dockerfile"}
    return engine.run(lambda: ModelImage("iris-2", ModelImageArgs(**plain | args)))


def test_an_image_is_known_by_its_digest(engine):
    declared = declare(engine)
    [component] = [r for r in declared.resources if r.type == "mlplatform:index:ModelImage"]
    assert component.inputs == {"name": "registry.example.com/ml/iris:2"}
    assert declared.outputs[component.urn] == {"reference": f"registry.example.com/ml/iris@sha256:{'d' * 64}"}


def test_only_what_is_named_is_declared_of_a_build(engine):
    [image] = declare(engine, args={"VERSION": "2"}).of_type("docker:index/image:Image")
    assert image.inputs == {
        "imageName": "registry.example.com/ml/iris:2",
        "build": {"context": "../examples/iris", "dockerfile": "../Dockerfile", "args": {"VERSION": "2"}},
        "buildOnPreview": False,
        "skipPush": False,
    }


def test_an_engine_without_a_bridge_is_told_to_use_its_hosts_network(engine):
    [image] = declare(engine, network="host").of_type("docker:index/image:Image")
    assert image.inputs["build"]["network"] == "host"


def test_who_pushes_is_declared_with_a_secret_password(engine):
    login = RegistryLogin(server="registry.example.com", username="robot", password="hush")
    [image] = declare(engine, login=login).of_type("docker:index/image:Image")
    # The mock engine keeps what is said to be secret in its wrapping.
    assert image.inputs["registry"]["value"] == {
        "server": "registry.example.com",
        "username": "robot",
        "password": "hush",
    }
    assert image.secrets == {"registry.password"}
    assert "hush" not in repr(login)


def test_the_typed_class_registers_the_same_resource(engine):
    import pulumi_docker  # here, since its import is what ours saves

    typed = engine.run(
        lambda: pulumi_docker.Image(
            "iris-2",
            image_name="registry.example.com/ml/iris:2",
            build={"context": "../examples/iris", "dockerfile": "../Dockerfile", "args": {}},
        )
    )
    [expected], [found] = typed.resources, declare(engine).of_type("docker:index/image:Image")
    assert (found.type, found.inputs, found.version) == (expected.type, expected.inputs, expected.version)
