"""The package as users install it: a wheel in an environment that holds only what the wheel declares."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from parts import ROOT
from wheel_environments import Environment, build, make_environment

from sagemaker_transform_emulator.extras import MODULES

OWN = "sagemaker_transform_emulator"
XGBOOST = {
    "ModelName": "penguins",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/emulator",
    "PrimaryContainer": {
        "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5",
        "ModelDataUrl": "s3://demo/model.tar.gz",
    },
}
SPARKML = XGBOOST | {
    "PrimaryContainer": {
        "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-sparkml-serving:3.3"
    }
}
ROOMS = {
    "docker": ("runtime.docker",),
    "export": ("model_artifacts.spark_to_mleap",),
    "server": ("server", "s3.moto_server"),
    "sparkml": ("containers.sparkml",),
    "xgboost": ("containers.xgboost",),
}
"""Modules that only their extra makes importable; that of a room of an extra may import the core's."""
FOREIGN = 'raise AssertionError("this is the project\'s own package, which nobody asked for")\n'

Make = Callable[..., Environment]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes environments, each set of extras once."""
    made: dict[tuple[str, ...], Environment] = {}

    def make(*extras: str, others: tuple[str, ...] = ()) -> Environment:
        wanted = (*extras, *others)
        if wanted not in made:
            folder = tmp_path_factory.mktemp("-".join(("with", *wanted)))
            made[wanted] = make_environment(folder, wheel, *extras, others=others)
        return made[wanted]

    return make


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with packages of its own that are called as our folders are."""
    for name in ("emulator", "containers", "containers/xgboost"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(FOREIGN)
    (tmp_path / "model.json").write_text(json.dumps(XGBOOST))
    (tmp_path / "sparkml.json").write_text(json.dumps(SPARKML))
    shutil.copy(ROOT / "sample_data/models/xgboost/model.tar.gz", tmp_path)
    (tmp_path / "rows.csv").write_text("1,0,0,1,0,39.1,18.7,181,1,2007\n")
    return tmp_path


def job(*more: str) -> tuple[str, ...]:
    return (
        "run", "--model", "model.json", "--input", "s3://demo/rows.csv", "--output", "s3://demo/out",
        "--content-type", "text/csv", "--put", "model.tar.gz=s3://demo/model.tar.gz",
        "--put", "rows.csv=s3://demo/rows.csv", "--runtime", "process", "--quiet", *more,
    )  # fmt: skip


def contents(path: Path) -> dict[str, int]:
    """The files of a wheel and their check sums."""
    with zipfile.ZipFile(path) as file:
        return {item.filename: item.CRC for item in file.infolist()}


def test_the_wheel_is_one_package_whole(wheel: Path) -> None:
    names = set(contents(wheel))
    (metadata,) = {name.partition("/")[0] for name in names} - {OWN}
    assert metadata.startswith(f"{OWN}-")
    assert metadata.endswith(".dist-info")
    sources = {f"{OWN}/{path}" for path in tracked("emulator/sagemaker_transform_emulator")}
    sources |= {f"{OWN}/containers/{path}" for path in tracked("containers")}
    kept = {name for name in names if name.startswith(f"{OWN}/")}
    assert {name for name in sources - kept if not name.endswith(("Dockerfile", "README.md"))} == {
        f"{OWN}/containers", f"{OWN}/containers/minio/healthcheck.sh"
    }  # fmt: skip
    assert kept <= sources


def tracked(folder: str) -> list[str]:
    """What git keeps or would keep below the folder."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT / folder, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (ROOT / folder / name).exists()]


def test_a_source_distribution_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = build(ROOT, tmp_path / "sdist", "sdist")
    assert contents(build(sdist, tmp_path / "wheel", "wheel")) == contents(wheel)


def test_only_the_package_lands_in_site_packages(environment: Make) -> None:
    own = {path.name for path in environment().site_packages.iterdir() if not path.is_symlink()}
    assert {name for name in own if not name.startswith(("_virtualenv", "__pycache__"))} == {
        OWN,
        f"{OWN}-0.1.0.dist-info",
    }


def test_a_job_runs_beside_packages_called_emulator_and_containers(environment: Make, project: Path) -> None:
    ran = environment("server", "xgboost").run("emulator", *job("--get", "s3://demo/out=out"), cwd=project)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (row,) = (project / "out/rows.csv.out").read_text().splitlines()
    assert float(row) >= 0


def test_the_pytest_plugin_works_in_a_project_with_such_packages(environment: Make, project: Path) -> None:
    (project / "emulator/__init__.py").write_text("MINE = True\n")
    (project / "settings").mkdir()
    (project / "settings/emulator.toml").write_text("[quotas]\n'ml.m4.xlarge' = 7\n")
    (project / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\nemulator_runtime = "process"\nemulator_s3 = "moto"\n'
        'emulator_config = "settings/emulator.toml"\n'
    )
    (project / "test_mine.py").write_text(_TEST)
    with_pytest = environment("server", others=("pytest",))
    ran = with_pytest.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


_TEST = """
import emulator
import boto3

def test_mine(sagemaker_emulator):
    assert emulator.MINE
    about = sagemaker_emulator.about
    assert (about.runtime, about.s3[:8]) == ("process", "built in")
    assert "settings/emulator.toml" in " ".join(sagemaker_emulator.process.args)
    boto3.client("s3").create_bucket(Bucket="mine")
"""


@pytest.mark.parametrize("extra", ["", *MODULES])
def test_each_part_can_be_imported_with_its_extra_alone(extra: str, environment: Make, project: Path) -> None:
    rooms = {"": (OWN,), **{name: tuple(f"{OWN}.{room}" for room in ROOMS[name]) for name in MODULES}}
    inside = rooms[extra]
    outside = () if extra else tuple(room for name in MODULES for room in rooms[name])
    others = () if extra else ("pytest",)  # its plugin is among the core's modules
    made = environment(*filter(None, [extra]), others=others)
    ran = made.run("python", "-c", _IMPORT_ALL, json.dumps([inside, outside]), cwd=project)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > (100 if not extra else 0)


_IMPORT_ALL = """
import importlib, json, pkgutil, sys
import sagemaker_transform_emulator as root

inside, outside = json.loads(sys.argv[1])

def below(name, rooms):
    return any(name == room or name.startswith(room + ".") for room in rooms)

count = 0
def import_all(package):
    global count
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if below(found.name, outside) or found.name.endswith(("__main__", ".leash", ".healthcheck")):
            continue
        if below(found.name, inside):
            importlib.import_module(found.name)
            count += 1
        if found.ispkg and (below(found.name, inside) or any(room.startswith(found.name) for room in inside)):
            import_all(importlib.import_module(found.name))

import_all(root)
print(count)
"""


def assert_named(ran: subprocess.CompletedProcess[str], extra: str) -> None:
    """The command ended with exit code 3 and one error that names the extra and the command."""
    said = " ".join(ran.stderr.split())
    assert ran.returncode == 3, said
    assert f"needs the extra [{extra}], which is not installed" in said
    assert f"pip install 'sagemaker-transform-emulator[{extra}]" in said
    assert "Traceback" not in said
    assert said.count("error:") == 1


def test_the_core_has_the_command_line(environment: Make, project: Path) -> None:
    core = environment()
    assert core.run("emulator", "--version", cwd=project).stdout == "emulator 0.1.0\n"
    ended = {
        "jobs": 0, "env": 3, "describe none": 2, "trace none": 2, "diff rows.csv rows.csv": 0, "clean": 0,
        "explain --help": 0,
    }  # fmt: skip
    for words, code in ended.items():
        ran = core.run("emulator", *words.split(), cwd=project)
        assert (words, ran.returncode) == (words, code), ran.stderr
        assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (job(), "server"),
        (("up",), "server"),
        (("explain", "--job", "job.json"), "server"),
        (("export-sparkml", "pipeline", "out.tar.gz"), "export"),
    ],
    ids=["run", "up", "explain", "export-sparkml"],
)
def test_a_command_names_the_extra_it_lacks(
    words: tuple[str, ...], extra: str, environment: Make, project: Path
) -> None:
    shutil.copy(ROOT / "sample_data/job.json", project)
    assert_named(environment().run("emulator", *words, cwd=project), extra)


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (job(), "xgboost"),
        (job("--model", "sparkml.json"), "sparkml"),
        (job("--runtime", "docker"), "docker"),
        (job("--runtime", "auto"), "docker"),
    ],
    ids=["xgboost", "sparkml", "docker", "auto"],
)
def test_a_job_names_the_extra_it_lacks(
    words: tuple[str, ...], extra: str, environment: Make, project: Path
) -> None:
    ran = environment("server").run("emulator", *words, cwd=project)
    assert_named(ran, extra)
    if "auto" in words:
        assert "needs the extra [xgboost]" in ran.stderr


def test_the_library_names_the_extra_it_lacks(environment: Make, project: Path) -> None:
    program = (
        "import sagemaker_transform_emulator as emulator\n"
        "emulator.run_transform_job('model.json', {'TransformJobName': 'job'})\n"
    )
    ran = environment().run("python", "-c", program, cwd=project)
    last = ran.stderr.strip().splitlines()[-2:]
    assert "MachineError: The built-in S3 store needs the extra [server], which is not installed" in last[0]
    assert last[1].startswith("remedy: pip install 'sagemaker-transform-emulator[server]")


def test_the_pytest_plugin_names_the_extra_it_lacks(environment: Make, project: Path) -> None:
    (project / "test_mine.py").write_text("def test_mine(sagemaker_emulator):\n    pass\n")
    ran = environment(others=("pytest",)).run(
        "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project
    )
    assert ran.returncode == 1
    assert "needs the extra [server], which is not installed" in ran.stdout
    assert "remedy: pip install 'sagemaker-transform-emulator[server]" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
