"""Model packages and their groups as they are remembered: names, ARNs, what a new one holds. Pure.

A versioned package belongs to a group and is named GROUP/VERSION; an unversioned one has a name of its own.
ARNs have names in lower case, as transform jobs' have (R1.25), so names are used once in any case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.resources import Place

GROUP_KIND, PACKAGE_KIND = "model-package-group", "model-package"

_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]*):(\d{12}):([a-z-]*)/(.+)")
_BARE_NAME = "^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
_UNVERSIONED_ONLY = ("Tags",)
_KEPT = (
    "ModelPackageDescription", "ModelPackageRegistrationType", "InferenceSpecification", "MetadataProperties",
    "ModelMetrics", "ModelApprovalStatus", "Domain", "Task", "SamplePayloadUrl", "CustomerMetadataProperties",
    "DriftCheckBaselines", "AdditionalInferenceSpecifications", "SkipModelValidation", "SourceUri",
    "SecurityConfig", "ModelCard", "ModelLifeCycle", "ManagedStorageType", "ClientToken",
)  # fmt: skip
_REPLACED = (
    "ModelApprovalStatus", "ApprovalDescription", "ModelPackageRegistrationType", "InferenceSpecification",
    "SourceUri", "ModelLifeCycle",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PackageName:
    """Where a package or group is, and the name it is remembered by, in lower case."""

    place: Place
    key: str

    def arn(self, kind: str) -> str:
        """Its ARN."""
        return self.place.arn(kind, self.key)


def group_named(text: str, here: Place) -> PackageName:
    """The group that a name or an ARN means."""
    return _named(text, here, GROUP_KIND)


def package_named(text: str, here: Place) -> PackageName:
    """The package that a name or an ARN means. Raises ServiceError for GROUP/VERSION, which is no name."""
    if "/" in text and not text.startswith("arn:"):
        raise ServiceError(
            "ValidationException",
            f"1 validation error detected: Value '{text}' at 'modelPackageName' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {_BARE_NAME}",
            remedy="a versioned package is named by its ARN",
        )
    return _named(text, here, PACKAGE_KIND)


def rank_of(key: str) -> str:
    """What puts GROUP/9 before GROUP/10."""
    group, separator, version = key.rpartition("/")
    return f"{group}/{int(version):09d}" if separator and version.isdigit() else key


def require_sense(request: Mapping[str, Any]) -> None:
    """Raises ServiceError for a CreateModelPackage that says two things at once, or too little."""
    versioned = request.get("ModelPackageGroupName") is not None
    if versioned and request.get("ModelPackageName") is not None:
        raise _invalid(
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine "
            "which one to use."
        )
    if not versioned and request.get("ModelPackageName") is None:
        raise _invalid("Missing ARN.", remedy="give ModelPackageGroupName or ModelPackageName")
    for name in _UNVERSIONED_ONLY:
        if versioned and request.get(name):
            raise _invalid(f"{name} cannot be given with ModelPackageGroupName", remedy="tag the group")
    require_one_source(request)
    for name, why in (
        ("SourceAlgorithmSpecification", "names an algorithm resource, and this emulator has none"),
        ("ValidationSpecification", "asks for transform jobs that this emulator does not run by itself"),
    ):
        if request.get(name):
            raise _invalid(
                f"{name} {why}", remedy="give InferenceSpecification, and start such jobs yourself"
            )
    if not versioned:
        _require_unversioned(request)


def require_one_source(request: Mapping[str, Any]) -> None:
    """Raises ServiceError for a request with both SourceUri and InferenceSpecification."""
    if request.get("SourceUri") and request.get("InferenceSpecification"):
        raise _invalid("SourceUri and InferenceSpecification cannot both be given")


def new_body(request: Mapping[str, Any], version: int | None) -> dict[str, Any]:
    """The members of a new package."""
    body = {name: request[name] for name in _KEPT if name in request}
    body["CertifyForMarketplace"] = bool(request.get("CertifyForMarketplace", False))
    if version is None:
        return body | {"ModelPackageName": request["ModelPackageName"]}
    return {"ModelApprovalStatus": "PendingManualApproval", **body, "ModelPackageVersion": version}


def updated_body(body: Mapping[str, Any], request: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The members after an UpdateModelPackage. Raises ServiceError for a specification's name used twice."""
    changed = dict(body) | {name: request[name] for name in _REPLACED if name in request}
    changed["LastModifiedTime"] = now
    metadata = {**body.get("CustomerMetadataProperties", {}), **request.get("CustomerMetadataProperties", {})}
    for key in request.get("CustomerMetadataPropertiesToRemove", ()):
        metadata.pop(key, None)
    if metadata or "CustomerMetadataProperties" in body:
        changed["CustomerMetadataProperties"] = metadata
    if "ModelCard" in request:
        changed["ModelCard"] = {**body.get("ModelCard", {}), **request["ModelCard"]}
    added = request.get("AdditionalInferenceSpecificationsToAdd")
    if added:
        specifications = [*body.get("AdditionalInferenceSpecifications", ()), *added]
        names = [specification["Name"] for specification in specifications]
        if len(set(names)) < len(names):
            raise _invalid("The names of additional inference specifications must be unique")
        changed["AdditionalInferenceSpecifications"] = specifications
    return changed


def containers_of(body: Mapping[str, Any], environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The package's containers as CreateModel would have them, `environment` over each one's own."""
    names = ("ContainerHostname", "Image", "ModelDataUrl", "ModelDataSource")
    found = []
    for container in body["InferenceSpecification"]["Containers"]:
        definition = {name: container[name] for name in names if container.get(name)}
        merged = {**container.get("Environment", {}), **environment}
        found.append(definition | ({"Environment": merged} if merged else {}))
    return found


def _named(text: str, here: Place, kind: str) -> PackageName:
    found = _ARN.fullmatch(text)
    if found is None:
        return PackageName(here, text.lower())
    region, account, what, key = found.groups()
    if what != kind:
        raise _invalid(f"{text[:256]!r} is no ARN of a {kind}")
    return PackageName(Place(account, region), key.lower())


def _require_unversioned(request: Mapping[str, Any]) -> None:
    specification = request.get("InferenceSpecification")
    if specification is None and not request.get("SourceUri"):
        raise _invalid("An unversioned model package needs an InferenceSpecification")
    if any(container.get("Environment") for container in (specification or {}).get("Containers", ())):
        raise _invalid(
            "1 validation errors detected:Environment variable map cannot be specified when using "
            "non-versioned ModelPackages"
        )


def _invalid(text: str, *, remedy: str = "") -> ServiceError:
    return ServiceError("ValidationException", text, remedy=remedy)
