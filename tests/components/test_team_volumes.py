from __future__ import annotations

import pytest

from components.team_volumes import Source, TeamVolumes, TeamVolumesArgs, Volume

NFS = Source(kind="nfs", values={"server": "nfs.example.com", "path": "/exports/fraud"})


@pytest.fixture
def declare(engine):
    def run(**volumes):
        args = TeamVolumesArgs(namespace="fraud-prod", labels={"ml-platform/team": "fraud"}, volumes=volumes)
        return engine.run(lambda: TeamVolumes("fraud", args))

    return run


def of(declared, kind):
    return {r.inputs["metadata"].get("namespace", ""): r for r in declared.of_type(f"kubernetes:core/v1:{kind}")}


def test_a_volume_without_a_source_is_a_claim_that_its_class_fills(declare):
    declared = declare(data=Volume(size="10Gi", access="ReadWriteOnce", storage_class="fast"))
    [claim] = declared.objects().values()
    assert claim.inputs["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
        "storageClassName": "fast",
    }


def test_without_a_class_the_clusters_default_is_left_to_fill_in(declare):
    """An empty name would mean: no class at all."""
    spec = declare(data=Volume(size="10Gi", access="ReadWriteOnce")).object("PersistentVolumeClaim", "data")["spec"]
    assert "storageClassName" not in spec


def test_a_claim_is_not_waited_for_since_a_class_may_wait_for_the_first_pod(declare):
    metadata = declare(data=Volume(size="1Gi", access="ReadWriteOnce")).object("PersistentVolumeClaim", "data")[
        "metadata"
    ]
    assert metadata["annotations"] == {"pulumi.com/skipAwait": "true"}


def test_a_reader_has_a_volume_and_a_claim_of_its_own_that_name_the_same_directory_and_only_read(declare):
    volume = Volume(size="1Ti", access="ReadWriteMany", source=NFS, readers={"search-prod": "fraud-data"})
    declared = declare(data=volume)
    volumes = {r.name: r.inputs["spec"] for r in declared.of_type("kubernetes:core/v1:PersistentVolume")}
    own, read = volumes["fraud-prod-data"], volumes["search-prod-fraud-data"]
    assert own["nfs"] == {"server": "nfs.example.com", "path": "/exports/fraud"}
    assert read["nfs"] == {**own["nfs"], "readOnly": True}
    assert (own["accessModes"], read["accessModes"]) == (["ReadWriteMany"], ["ReadOnlyMany"])
    assert ("mountOptions" in own, read["mountOptions"]) == (False, ["ro"])
    claims = of(declared, "PersistentVolumeClaim")
    for namespace, name in (("fraud-prod", "fraud-prod-data"), ("search-prod", "search-prod-fraud-data")):
        claim = claims[namespace].inputs
        assert (claim["spec"]["volumeName"], claim["spec"]["storageClassName"]) == (name, "")
        reference = volumes[name]["claimRef"]
        assert (reference["namespace"], reference["name"]) == (namespace, claim["metadata"]["name"])
    assert {spec["persistentVolumeReclaimPolicy"] for spec in volumes.values()} == {"Retain"}


def test_what_holds_data_is_protected_and_a_readers_claim_is_not(declare):
    declared = declare(
        data=Volume(size="1Ti", access="ReadWriteMany", source=NFS, readers={"search-prod": "fraud-data"})
    )
    assert {r.name for r in declared.objects().values() if r.protect} == {"fraud-prod-data", "fraud-prod/data"}
    labels = of(declared, "PersistentVolumeClaim")["search-prod"].inputs["metadata"]["labels"]
    assert labels["ml-platform/shared-from"] == "fraud-prod"


def test_protection_can_be_taken_off(engine):
    volumes = {"data": Volume(size="1Gi", access="ReadWriteOnce")}
    args = TeamVolumesArgs(namespace="fraud-prod", labels={}, volumes=volumes, protect=False)
    declared = engine.run(lambda: TeamVolumes("fraud", args))
    assert [r.protect for r in declared.objects().values()] == [False]


@pytest.mark.parametrize(
    ("given", "handles"),
    [
        ({"volumeHandle": "fs-1"}, {"fs-1"}),
        ({"volumeAttributes": {"share": "s"}}, {"fraud-prod-data", "search-prod-fraud-data"}),
    ],
)
def test_a_csi_volume_has_a_handle_of_its_own_where_the_driver_finds_it_by_its_attributes(declare, given, handles):
    source = Source(kind="csi", values={"driver": "efs.csi.aws.com", **given})
    declared = declare(
        data=Volume(size="1Ti", access="ReadWriteMany", source=source, readers={"search-prod": "fraud-data"})
    )
    found = [r.inputs["spec"]["csi"] for r in declared.of_type("kubernetes:core/v1:PersistentVolume")]
    assert {csi["volumeHandle"] for csi in found} == handles
    assert {csi.get("readOnly") for csi in found} == {None, True}


def test_a_volume_that_a_class_makes_has_no_readers():
    volumes = {"data": Volume(size="1Gi", access="ReadWriteMany", readers={"search-prod": "fraud-data"})}
    with pytest.raises(ValueError, match="no readers"):
        TeamVolumesArgs(namespace="fraud-prod", labels={}, volumes=volumes)
