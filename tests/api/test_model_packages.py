"""Model packages: versions in groups, unversioned ones, approval, and models made of them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from api.inprocess import ROLE, Wire, application, ended, job_request, run

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.transform.keys import S3Location

ARN = "arn:aws:sagemaker:us-east-1:000000000000"
DATA = "s3://bkt/packaged/model.tar.gz"
SPECIFICATION = {
    "Containers": [{"Image": "scripted", "ModelDataUrl": DATA, "Environment": {"A": "1", "B": "1"}}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
    "SupportedTransformInstanceTypes": ["ml.m5.large"],
}
_HERE = Place()
Talk = Callable[[Wire], Coroutine[Any, Any, Any]]


@pytest.fixture
def talk(s3: StoreAddress) -> Callable[[Talk], Any]:
    """Run a conversation with a fresh application that has the group "Group"."""

    def go(conversation: Talk) -> Any:
        async def inside() -> Any:
            async with application(s3) as wire:
                await wire.call("CreateModelPackageGroup", ModelPackageGroupName="Group")
                return await conversation(wire)

        return run(inside)

    return go


def archive() -> bytes:
    """A model.tar.gz with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("model"))
    return packed.getvalue()


async def register(wire: Wire, group: str = "Group", **more: Any) -> str:
    """A new version of the group; returns its ARN."""
    answer = await wire.call(
        "CreateModelPackage",
        **{"ModelPackageGroupName": group, "InferenceSpecification": SPECIFICATION, **more},
    )
    arn: str = answer["ModelPackageArn"]
    return arn


def test_versions_of_a_group_are_numbered_and_never_used_again(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        arns = [await register(wire) for _ in range(2)]
        await wire.call("DeleteModelPackage", ModelPackageName=arns[1])
        arns.append(await register(wire, f"{ARN}:model-package-group/group"))
        return arns, await wire.call("DescribeModelPackage", ModelPackageName=arns[0])

    arns, described = talk(conversation)
    assert arns == [f"{ARN}:model-package/group/{version}" for version in (1, 2, 3)]
    created = described.pop("CreationTime")
    assert described == {
        "ModelPackageGroupName": "Group",
        "ModelPackageVersion": 1,
        "ModelPackageArn": arns[0],
        "InferenceSpecification": SPECIFICATION,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": False,
        "ModelApprovalStatus": "PendingManualApproval",
        "CreatedBy": {},
        "LastModifiedBy": {},
        "LastModifiedTime": created,
    }


def test_a_group_is_described_listed_and_deleted_when_it_is_empty(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        group = {"ModelPackageGroupName": "Other"}
        made = await wire.call("CreateModelPackageGroup", **group, ModelPackageGroupDescription="why")
        again = await wire.refused("CreateModelPackageGroup", ModelPackageGroupName="OTHER")
        described = await wire.call("DescribeModelPackageGroup", **group)
        listed = await wire.call("ListModelPackageGroups", SortBy="Name", SortOrder="Descending")
        contained = await wire.call("ListModelPackageGroups", NameContains="the")
        arn = await register(wire, "Other")
        full = await wire.refused("DeleteModelPackageGroup", **group)
        await wire.call("DeleteModelPackage", ModelPackageName=arn)
        await wire.call("DeleteModelPackageGroup", ModelPackageGroupName=made["ModelPackageGroupArn"])
        return (
            made,
            again,
            described,
            listed,
            contained,
            full,
            await wire.refused("DescribeModelPackageGroup", **group),
        )

    made, again, described, listed, contained, full, gone = talk(conversation)
    arn = f"{ARN}:model-package-group/other"
    assert made == {"ModelPackageGroupArn": arn}
    assert again == ("ValidationException", f"Model Package Group already exists: {arn}")
    assert described.pop("CreationTime") > 0
    assert described == {
        "ModelPackageGroupName": "Other", "ModelPackageGroupArn": arn, "ModelPackageGroupDescription": "why",
        "CreatedBy": {}, "ModelPackageGroupStatus": "Completed",
    }  # fmt: skip
    names = [item["ModelPackageGroupName"] for item in listed["ModelPackageGroupSummaryList"]]
    assert names == ["Other", "Group"]
    assert [item["ModelPackageGroupArn"] for item in contained["ModelPackageGroupSummaryList"]] == [arn]
    assert full[0] == "ConflictException"
    assert gone == ("ValidationException", f"ModelPackageGroup {arn} does not exist.")


def test_an_unversioned_package_has_a_name_of_its_own(talk: Any) -> None:
    bare = {"Containers": [{"Image": "scripted"}]}

    async def conversation(wire: Wire) -> Any:
        given = {"ModelPackageName": "Single", "InferenceSpecification": bare}
        made = await wire.call("CreateModelPackage", **given, Tags=[{"Key": "k", "Value": "v"}])
        described = await wire.call("DescribeModelPackage", ModelPackageName="Single")
        same = await wire.call("DescribeModelPackage", ModelPackageName=made["ModelPackageArn"])
        tags = await wire.call("ListTags", ResourceArn=made["ModelPackageArn"])
        again = await wire.refused("CreateModelPackage", **given)
        update = await wire.refused("UpdateModelPackage", ModelPackageArn=made["ModelPackageArn"])
        await wire.call("DeleteModelPackage", ModelPackageName="Single")
        return (
            described,
            same,
            tags,
            again,
            update,
            await wire.refused("DescribeModelPackage", ModelPackageName="Single"),
        )

    described, same, tags, again, update, gone = talk(conversation)
    arn = f"{ARN}:model-package/single"
    assert described == same
    assert (described["ModelPackageName"], described["ModelPackageArn"]) == ("Single", arn)
    assert "ModelPackageVersion" not in described
    assert "ModelApprovalStatus" not in described
    assert tags["Tags"] == [{"Key": "k", "Value": "v"}]
    assert again == ("ValidationException", f"ModelPackage already exists: {arn}")
    assert update == ("ValidationException", "Only versioned model packages can be updated")
    assert gone == ("ValidationException", f"ModelPackage {arn} does not exist.")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"ModelPackageName": "x"},
            "Both ModelPackageName and ModelPackageGroupName are provided in the input.",
        ),
        ({"ModelPackageGroupName": None}, "Missing ARN."),
        (
            {"ModelPackageGroupName": "nope"},
            f"ModelPackageGroup {ARN}:model-package-group/nope does not exist.",
        ),
        ({"Tags": [{"Key": "k", "Value": "v"}]}, "Tags cannot be given with ModelPackageGroupName"),
        ({"SourceUri": "s3://bkt/x"}, "SourceUri and InferenceSpecification cannot both be given"),
        (
            {"InferenceSpecification": None, "SourceUri": f"{ARN}:model/nope"},
            f'Could not find model "{ARN}:model/nope"',
        ),
        (
            {"InferenceSpecification": None, "SourceUri": f"{ARN}:model-package/nope/1"},
            f"ModelPackage {ARN}:model-package/nope/1 does not exist.",
        ),
        (
            {"SourceAlgorithmSpecification": {"SourceAlgorithms": [{"AlgorithmName": "a"}]}},
            "SourceAlgorithmSpecification names an algorithm resource, and this emulator has none",
        ),
        (
            {"ModelPackageGroupName": None, "ModelPackageName": "x"},
            "1 validation errors detected:Environment variable map cannot be specified when using non-ver",
        ),
        (
            {"ModelApprovalStatus": "Nope"},
            "Member must satisfy enum value set: [PendingManualApproval, Approved, ",
        ),
        ({"ModelPackageGroupName": f"{ARN}:model/x"}, "is no ARN of a model-package-group"),
    ],
)
def test_packages_that_make_no_sense_are_refused(talk: Any, changes: dict[str, Any], says: str) -> None:
    given = {"ModelPackageGroupName": "Group", "InferenceSpecification": SPECIFICATION, **changes}

    async def conversation(wire: Wire) -> Any:
        return await wire.refused(
            "CreateModelPackage", **{name: value for name, value in given.items() if value is not None}
        )

    code, text = talk(conversation)
    assert code == "ValidationException"
    assert says in text


def test_a_version_is_named_by_its_arn_and_not_by_group_and_number(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        await register(wire)
        return await wire.refused("DescribeModelPackage", ModelPackageName="Group/1")

    code, text = talk(conversation)
    assert code == "ValidationException"
    assert text == (
        "1 validation error detected: Value 'Group/1' at 'modelPackageName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
    )


def test_one_client_token_registers_one_version(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        first = await register(wire, ClientToken="t" * 36)
        return first, await register(wire, ClientToken="t" * 36), await register(wire, ClientToken="u" * 36)

    first, again, other = talk(conversation)
    assert first == again != other


def test_an_update_changes_what_it_names(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        arn = await register(wire, CustomerMetadataProperties={"a": "1", "b": "2"})
        before = await wire.call("DescribeModelPackage", ModelPackageName=arn)
        extra = {"Name": "extra", "Containers": [{"Image": "scripted"}]}
        update = await wire.call(
            "UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved",
            ApprovalDescription="fine", CustomerMetadataProperties={"b": "3", "c": "4"},
            CustomerMetadataPropertiesToRemove=["a"],
            AdditionalInferenceSpecificationsToAdd=[extra],
            ModelCard={"ModelCardContent": "{}", "ModelCardStatus": "Draft"},
            ModelLifeCycle={"Stage": "Staging", "StageStatus": "In"},
        )  # fmt: skip
        await wire.call("UpdateModelPackage", ModelPackageArn=arn, ModelCard={"ModelCardStatus": "Approved"})
        twice = await wire.refused(
            "UpdateModelPackage", ModelPackageArn=arn, AdditionalInferenceSpecificationsToAdd=[extra]
        )
        bare = await wire.call("DescribeModelPackage", ModelPackageName=arn, IncludedData="MetadataOnly")
        return arn, before, update, twice, bare, await wire.call("DescribeModelPackage", ModelPackageName=arn)

    arn, before, update, twice, bare, after = talk(conversation)
    assert update == {"ModelPackageArn": arn}
    assert (after["ModelApprovalStatus"], after["ApprovalDescription"]) == ("Approved", "fine")
    assert after["CustomerMetadataProperties"] == {"b": "3", "c": "4"}
    assert [item["Name"] for item in after["AdditionalInferenceSpecifications"]] == ["extra"]
    assert after["ModelCard"] == {"ModelCardContent": "{}", "ModelCardStatus": "Approved"}
    assert bare["ModelCard"] == {"ModelCardStatus": "Approved"}
    assert after["ModelLifeCycle"]["Stage"] == "Staging"
    assert after["InferenceSpecification"] == before["InferenceSpecification"]
    assert after["LastModifiedTime"] > before["LastModifiedTime"] >= after["CreationTime"]
    assert twice[0] == "ValidationException"


def test_packages_are_listed_by_type_group_status_and_page(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        arns = [await register(wire) for _ in range(11)]
        await wire.call("UpdateModelPackage", ModelPackageArn=arns[4], ModelApprovalStatus="Approved")
        await wire.call(
            "CreateModelPackage",
            ModelPackageName="single",
            InferenceSpecification={"Containers": [{"Image": "i"}]},
        )

        async def listed(**request: Any) -> list[str]:
            found = await wire.call("ListModelPackages", **request)
            return [
                item["ModelPackageArn"].rpartition("package/")[2] for item in found["ModelPackageSummaryList"]
            ]

        first = await wire.call(
            "ListModelPackages", ModelPackageGroupName="Group", SortOrder="Descending", SortBy="Name"
        )
        return (
            first,
            await listed(ModelPackageGroupName="Group", NextToken=first["NextToken"], SortOrder="Descending",
                         SortBy="Name"),
            await listed(), await listed(ModelPackageType="Both", MaxResults=100),
            await listed(ModelPackageGroupName="Group", ModelApprovalStatus="Approved"),
            await listed(ModelPackageGroupName="Group", MaxResults=1), await listed(NameContains="ing"),
            await listed(ModelPackageGroupName="nope"),
        )  # fmt: skip

    first, rest, unversioned, both, approved, oldest, named, unknown = talk(conversation)
    names = [item["ModelPackageArn"].rpartition("/")[2] for item in first["ModelPackageSummaryList"]]
    assert names == ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2"]
    assert set(first["ModelPackageSummaryList"][0]) == {
        "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "CreationTime",
        "ModelPackageStatus", "ModelApprovalStatus",
    }  # fmt: skip
    assert rest == ["group/1"]
    assert (unversioned, named) == (["single"], ["single"])
    assert len(both) == 12
    assert (approved, oldest) == (["group/5"], ["group/1"])
    assert unknown == []


def test_a_model_is_made_of_an_approved_package_and_outlives_it(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        arn = await register(wire)
        await wire.backend.storage.put(S3Location.parse(DATA), archive())
        container = {"ModelPackageName": arn, "Environment": {"B": "2", "RESPONSE_CONTENT_TYPE": "text/csv"}}
        model = {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
        pending = await wire.refused("CreateModel", **model)
        await wire.call("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved")
        await wire.call("CreateModel", **model)
        described = await wire.call("DescribeModel", ModelName="m")
        await wire.call("DeleteModelPackage", ModelPackageName=arn)
        await wire.call(
            "CreateTransformJob", **job_request(TransformOutput={"S3OutputPath": "s3://bkt/packaged"})
        )
        done = await ended(wire, "job")
        job = wire.backend.store.job(_HERE, "job")
        await wire.call("DeleteModel", ModelName="m")
        return arn, pending, container, described, done, job

    arn, pending, container, described, done, job = talk(conversation)
    assert pending == (
        "ValidationException", f"ModelPackage {arn} is not Approved, its status is PendingManualApproval"
    )  # fmt: skip
    assert described["PrimaryContainer"] == container
    assert done["TransformJobStatus"] == "Completed"
    assert job.model["PrimaryContainer"] == {
        "Image": "scripted",
        "ModelDataUrl": DATA,
        "Environment": {"A": "1", "B": "2", "RESPONSE_CONTENT_TYPE": "text/csv"},
    }


def test_a_package_of_two_containers_makes_a_pipeline(talk: Any) -> None:
    two = {"Containers": [{"Image": "scripted", "ContainerHostname": name} for name in ("one", "two")]}

    async def conversation(wire: Wire) -> Any:
        await wire.call("CreateModelPackage", ModelPackageName="pipe", InferenceSpecification=two)
        container = {"ModelPackageName": "pipe"}
        await wire.call(
            "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, Containers=[container, {"Image": "scripted"}]
        )
        await wire.call(
            "CreateTransformJob", **job_request(TransformOutput={"S3OutputPath": "s3://bkt/piped"})
        )
        done = await ended(wire, "job")
        names = [stream.name.rpartition("/")[2] for stream in wire.backend.store.streams(_HERE, "job/")]
        mixed = await wire.refused(
            "CreateModel", ModelName="n", ExecutionRoleArn=ROLE,
            PrimaryContainer={"ModelPackageName": "pipe", "Image": "scripted"},
        )  # fmt: skip
        return done, names, mixed

    done, names, mixed = talk(conversation)
    assert done["TransformJobStatus"] == "Completed"
    assert sorted(names) == ["container-3", "data-log", "one", "two"]
    assert mixed[1] == "A container with ModelPackageName cannot have Image or ModelDataUrl"


def test_a_source_that_is_a_model_or_a_package_gives_the_specification(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        first = await register(wire)
        copy = await register(wire, InferenceSpecification=None, SourceUri=first)
        await wire.call(
            "CreateModel",
            ModelName="m",
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": "scripted", "Mode": "SingleModel"},
        )
        of_model = await register(wire, InferenceSpecification=None, SourceUri=f"{ARN}:model/m")
        bare = await register(wire, InferenceSpecification=None, SourceUri="anything")
        await wire.call("UpdateModelPackage", ModelPackageArn=bare, ModelApprovalStatus="Approved")
        unusable = await wire.refused(
            "CreateModel", ModelName="n", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": bare}
        )
        return [
            await wire.call("DescribeModelPackage", ModelPackageName=arn) for arn in (copy, of_model, bare)
        ], unusable

    (copy, of_model, bare), unusable = talk(conversation)
    assert copy["InferenceSpecification"] == SPECIFICATION
    assert of_model["InferenceSpecification"] == {"Containers": [{"Image": "scripted"}]}
    assert "InferenceSpecification" not in bare
    assert bare["SourceUri"] == "anything"
    assert "has no InferenceSpecification" in unusable[1]
