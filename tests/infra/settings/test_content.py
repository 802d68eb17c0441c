"""What a slot runs: the version, with the model's keys beneath it."""

from __future__ import annotations

import pytest

from infra.settings import Settings, SettingsError, plain


def test_a_version_alone_has_the_models_keys(valid):
    content = Settings.parse(valid).models["churn"].content("blue")
    assert content.version == "7"
    assert content.image == f"churn@sha256:{'7' * 64}"
    assert content.build is None
    assert content.port == 8080
    assert content.env == {"LOG_LEVEL": "info", "THRESHOLD": "0.4"}
    assert content.secret_env == {"API_KEY": "churn-api-key"}
    assert (content.resources.cpu, content.resources.memory, content.resources.gpu) == ("500m", "1Gi", 0)


def test_a_versions_keys_win_over_the_models_one_by_one(valid):
    content = Settings.parse(valid).models["churn"].content("green")
    assert content.port == 9090
    assert content.env == {"LOG_LEVEL": "info", "THRESHOLD": "0.5"}
    assert (content.resources.cpu, content.resources.memory, content.resources.gpu) == ("500m", "2Gi", 1)
    assert content.probes.start.within == 300
    assert content.probes.live == "/livez"
    assert content.smoke.path == "/predict"
    assert plain(content.smoke.body) == {"rows": [[1, 2.5]]}
    assert plain(content.smoke.expect.json_) == {"version": "8"}


def test_probes_and_smoke_have_every_path_set(valid):
    del valid["models"]["churn"]["smoke"]
    content = Settings.parse(valid).models["churn"].content("blue")
    assert content.probes.ready == "/readyz"
    assert content.probes.start.path == "/livez"
    assert content.smoke.path == "/readyz"
    assert content.smoke.expect.status == 200


def test_an_empty_slot_has_no_content(valid):
    valid["models"]["churn"]["slots"]["green"] = None
    del valid["models"]["churn"]["canary"]
    model = Settings.parse(valid).models["churn"]
    assert model.content("green") is None
    assert model.idle_slot == "green"


def test_the_same_version_is_the_same_content_in_either_slot(valid):
    valid["models"]["churn"]["slots"] = {"blue": "7", "green": 7}
    model = Settings.parse(valid).models["churn"]
    assert model.content("blue") == model.content("green")


def test_a_change_to_one_version_leaves_the_other_slots_content_alone(valid):
    before = Settings.parse(valid).models["churn"].content("blue")
    valid["models"]["churn"]["versions"]["8"]["env"]["THRESHOLD"] = "0.6"
    valid["models"]["churn"]["active"] = "green"
    assert Settings.parse(valid).models["churn"].content("blue") == before


def test_settings_cannot_be_changed(valid):
    settings = Settings.parse(valid)
    with pytest.raises(TypeError):
        settings.models["churn"].env["LOG_LEVEL"] = "debug"
    with pytest.raises(TypeError):
        settings.models["churn"].smoke.body["rows"] = []
    with pytest.raises(ValueError, match="frozen"):
        settings.environment = "dev"


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("churn@sha256:1", "registry.example.com/ml/churn@sha256:1"),
        ("team/churn@sha256:1", "registry.example.com/ml/team/churn@sha256:1"),
        ("other.example.com/churn@sha256:1", "other.example.com/churn@sha256:1"),
        ("other:5000/churn@sha256:1", "other:5000/churn@sha256:1"),
        ("localhost/churn@sha256:1", "localhost/churn@sha256:1"),
    ],
)
def test_an_image_without_a_host_is_the_registrys(valid, image, full):
    assert Settings.parse(valid).reference(image) == full


def test_a_variable_that_is_plain_in_the_model_and_secret_in_a_version_is_refused(valid):
    valid["models"]["churn"]["versions"]["8"]["secretEnv"] = {"LOG_LEVEL": "churn-api-key"}
    with pytest.raises(SettingsError, match=r"versions\.8\.secretEnv\.LOG_LEVEL: also stands in env"):
        Settings.parse(valid)


def test_a_variable_that_is_secret_in_the_model_and_plain_in_a_version_is_refused(valid):
    valid["models"]["churn"]["versions"]["8"]["env"]["API_KEY"] = "x"
    with pytest.raises(SettingsError, match=r"versions\.8\.env\.API_KEY"):
        Settings.parse(valid)


def test_two_models_cannot_share_a_host(valid):
    valid["models"]["uplift"] = {**valid["models"]["churn"]}
    with pytest.raises(SettingsError, match=r'models\.uplift\.route\.host: "churn.example.com" already leads'):
        Settings.parse(valid)


def test_resources_may_stand_in_every_version_instead_of_the_model(valid):
    churn = valid["models"]["churn"]
    resources = churn.pop("resources")
    for version in churn["versions"].values():
        version["resources"] = resources
    assert Settings.parse(valid).models["churn"].content("blue").resources.memory == "1Gi"


@pytest.mark.parametrize("key", ["registry", "cluster", "teams", "environment"])
def test_what_every_stack_needs_is_missed(valid, key):
    del valid[key]
    with pytest.raises(SettingsError, match=f"{key}: is missing"):
        Settings.parse(valid)


def test_models_secrets_and_guard_may_be_left_out(valid):
    settings = Settings.parse({key: valid[key] for key in ("environment", "registry", "cluster", "teams")})
    assert settings.models == {}
    assert settings.secrets == ()
    assert settings.guard.smoke is True
    assert settings.guard.deadline == 600


def test_kubernetes_own_namespaces_cannot_be_taken(valid):
    valid["environment"] = "system"
    valid["teams"]["kube"] = valid["teams"]["fraud"]
    with pytest.raises(SettingsError, match="kube-system"):
        Settings.parse(valid)


def test_a_namespace_that_is_too_long_is_refused(valid):
    name = "f" * 60
    valid["teams"] = {name: valid["teams"]["fraud"]}
    valid["models"]["churn"]["team"] = name
    with pytest.raises(SettingsError, match="65 characters; at most 63"):
        Settings.parse(valid)


def test_team_versions_and_one_slot_are_all_that_a_model_needs(valid):
    image = valid["models"]["churn"]["versions"]["7"]["image"]
    valid["models"] = {"uplift": {"team": "fraud", "versions": {"1": {"image": image}}, "slots": {"green": 1}}}
    model = Settings.parse(valid).models["uplift"]
    assert (model.active, model.idle_slot, model.serving) == ("green", "blue", "1")
    assert (model.port, model.drain, model.idle.size, model.idle.soak) == (8080, 15, "warm", 600)
    assert (model.scale.min, model.scale.max, model.scale.cpu) == (2, 4, 80)
    content = model.content("green")
    assert (content.resources.cpu, content.resources.memory, content.resources.gpu) == ("500m", "1Gi", 0)
    assert content.resources.cpu_limit is None


def test_a_rolling_model_has_one_version_and_no_slots(valid):
    model = Settings.parse(valid).models["ranker"]
    assert (model.strategy, model.version, model.serving) == ("rolling", "3", "3")
    assert model.content("blue") is None
    assert model.content_of(model.serving).image == f"ranker@sha256:{'3' * 64}"
    assert (model.rollout.max_surge, model.rollout.max_unavailable, model.rollout.min_ready_seconds) == (1, 0, 10)
    assert (model.scale.cpu, model.scale.memory) == (None, 70)
    with pytest.raises(ValueError, match="a rolling model has no slots"):
        _ = model.active


def test_the_most_of_a_scale_is_twice_the_least_unless_given(valid):
    assert Settings.parse(valid).models["ranker"].scale.max == 2
    assert Settings.parse(valid).models["churn"].scale.max == 20


def test_volumes_are_merged_by_name_and_an_address_is_a_versions_own(valid):
    churn = valid["models"]["churn"]
    churn["versions"]["8"]["volumes"] = {"cache": {"claim": "cache", "path": "/cache/", "readOnly": False}}
    churn["slots"]["blue"] = "9"
    model = Settings.parse(valid).models["churn"]
    volumes = {name: (one.claim, one.path, one.read_only) for name, one in model.content("green").volumes.items()}
    assert volumes == {"models": ("shared-models", "/models", True), "cache": ("cache", "/cache", False)}
    assert model.content("green").uri is None
    assert model.content("blue").uri == "models:/churn/9"


def test_a_canary_that_sends_nothing_says_so(valid):
    churn = valid["models"]["churn"]
    assert Settings.parse(valid).models["churn"].canary.sends
    churn["canary"] = {"percent": 0}
    assert not Settings.parse(valid).models["churn"].canary.sends
    churn["canary"] = {"mirror": 1}
    assert Settings.parse(valid).models["churn"].canary.sends


def test_a_cpu_limit_of_the_model_may_be_lifted_by_a_version(valid):
    churn = valid["models"]["churn"]
    churn["resources"]["cpuLimit"] = 2
    churn["versions"]["8"]["resources"]["cpuLimit"] = None
    model = Settings.parse(valid).models["churn"]
    assert model.content("blue").resources.cpu_limit == "2"
    assert model.content("green").resources.cpu_limit is None


def test_the_registrys_password_is_the_name_of_a_secret_and_is_never_shown(valid):
    assert Settings.parse(valid).registry_login is None
    valid["registryLogin"] = {"username": "ci", "password": "churn-api-key"}
    login = Settings.parse(valid).registry_login
    assert (login.username, login.password) == ("ci", "churn-api-key")
    for password in ("hunter2", "Hunter 2!"):
        valid["registryLogin"]["password"] = password
        with pytest.raises(SettingsError) as caught:
            Settings.parse(valid)
        [mistake] = caught.value.mistakes
        assert str(mistake).startswith('registryLogin.password: names no secret; known: "churn-api-key"; set it with')
        assert password not in str(mistake)
