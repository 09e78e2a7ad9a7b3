"""Mutants of a module: small changes to its source, and whether the tests notice one.

The changes are those of poodle's operators, which also reach constants, decorated functions and class bodies,
and three kinds it has not: bytes literals, bare conditions, raise statements. No file is changed: a forked
process imports the mutant's source in place of the module's and runs the tests.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import io
import marshal
import math
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import hypothesis
import pytest
from poodle.data_types import FileMutation, Mutator
from poodle.mutate import builtin_mutators

ROOT = Path(__file__).resolve().parent.parent
MEMORY_BYTES = 4 << 30
# Without conftest.py, which loads what whole jobs need. Plain asserts, because pytest's import hook for the
# other ones would come before ours.
PYTEST = (
    *("-x", "-q", "--tb=no", "--no-header", "--noconftest", "--assert=plain"),
    *("--hypothesis-profile=mutation", "-p", "_hypothesis_pytestplugin", "-p", "pytest_timeout"),
    *("-p", "no:cacheprovider"),
)
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # half of the time of a short run
# Always the same examples, none remembered or made smaller: what counts is whether a test fails.
hypothesis.settings.register_profile(
    "mutation",
    deadline=None,
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


@dataclass(frozen=True)
class Mutant:
    """One change. `was` and `now` are the changed lines, each run of blanks in them made one."""

    module: str
    line: int
    operator: str
    was: str
    now: str
    source: bytes = field(repr=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the mutant wherever its lines stand, and wherever the module lies."""
        return self.module, self.was, self.now


class _Added(ast.NodeVisitor, Mutator):
    """The operators that poodle has not."""

    mutator_name = "Added"

    def create_mutations(self, parsed_ast: ast.Module, *_: Any, **__: Any) -> list[FileMutation]:
        self.found: list[FileMutation] = []
        self.visit(parsed_ast)
        return self.found

    def generic_visit(self, node: ast.AST) -> None:
        test = getattr(node, "test", None)
        for condition in [*([test] if test else []), *getattr(node, "ifs", [])]:
            if not isinstance(condition, ast.Compare | ast.BoolOp | ast.UnaryOp):
                self._add(condition, f"not ({ast.unparse(condition)})")
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            self._add(node, repr(b"XX" + node.value + b"XX"))
        if isinstance(node, ast.Raise):
            self._add(node, "pass")
        super().generic_visit(node)

    def _add(self, node: ast.AST, text: str) -> None:
        self.found.append(self.create_file_mutation(node, text))


def mutants_of(module: str, path: str) -> list[Mutant]:
    """The mutants of the module at `path`, in the order of its lines; none means the same as another."""
    seen = {marshal.dumps(compile((ROOT / path).read_bytes(), path, "exec", dont_inherit=True))}
    found = []
    for mutant in changes_of(module, path):
        try:
            with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
                code = marshal.dumps(compile(mutant.source, path, "exec", dont_inherit=True))
        except SyntaxError:
            continue
        if code not in seen:
            seen.add(code)
            found.append(mutant)
    return sorted(found, key=lambda mutant: mutant.line)


def changes_of(module: str, path: str) -> Iterator[Mutant]:
    """What the operators make of the module, be it Python or not, something new or not."""
    source = (ROOT / path).read_bytes()
    lines = source.decode().splitlines()
    for operator in (*builtin_mutators.values(), _Added):
        made = operator(config=SimpleNamespace(mutator_opts={}), echo=print)  # type: ignore[arg-type,abstract]
        for change in made.create_mutations(ast.parse(source), lines):
            mutated, was, now = _changed(source, change)
            yield Mutant(module, change.lineno, change.mutator_name, was, now, mutated)


def _changed(source: bytes, change: FileMutation) -> tuple[bytes, str, str]:
    """The whole source with the change; the changed lines before and after."""
    lines = source.splitlines(keepends=True)
    first, last = change.lineno - 1, change.end_lineno - 1
    before, behind = lines[first][: change.col_offset], lines[last][change.end_col_offset :]
    new = before + change.text.encode() + behind
    mutated = b"".join([*lines[:first], new, *lines[last + 1 :]])
    was, now = (" ".join(text.decode().split()) for text in (b"".join(lines[first : last + 1]), new))
    if change.mutator_name == "Decorator":
        name = was.partition("def ")[2].partition("(")[0]
        return mutated, f"{lines[first].decode().strip()} of {name}", "removed"
    return mutated, was, now


class Result(NamedTuple):
    """What came of one run of the tests: `killed` when they noticed."""

    killed: bool
    how: str
    cpu_s: float


class Trials:
    """Runs of test files with one module replaced, one file after the other."""

    def __init__(self, path: str, tests: Sequence[str]) -> None:
        self._path = path
        self._files = [[*PYTEST, str(ROOT / test)] for test in tests]
        _load_libraries([*PYTEST, *(str(ROOT / test) for test in tests)])
        self._most_cpu_s = [self._untouched(file) for file in self._files]
        if not self.run(b"raise ImportError").killed:
            sys.exit(f"the tests of {path} do not import it")

    def run(self, source: bytes) -> Result:
        """Import `source` as the module and run the tests until one fails."""
        for file, most_cpu_s in zip(self._files, self._most_cpu_s, strict=True):
            result = _run(self._path, source, file, most_cpu_s)
            if result.killed:
                break
        return result

    def _untouched(self, file: list[str]) -> int:
        """The processor time a run may take: twice what it takes on the module as it is, and a second."""
        result = _run(self._path, (ROOT / self._path).read_bytes(), file, 600)
        if result.killed:
            sys.exit(f"{file[-1]} does not pass on {self._path} as it is: {result.how}")
        return math.ceil(2 * result.cpu_s) + 1


def _run(path: str, source: bytes, arguments: list[str], most_cpu_s: int) -> Result:
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        _child(path, source, arguments, most_cpu_s)
    return _outcome(process, wall_s=20.0 * most_cpu_s + 60)


def _load_libraries(arguments: list[str]) -> None:
    """Import what the tests import, and forget what is ours: it is imported anew, with the mutant."""
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["--collect-only", *arguments])
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        ours = file.startswith(str(ROOT)) and ".venv" not in Path(file).parts
        if ours and name not in ("__main__", __name__):
            del sys.modules[name]
    gc.collect()
    gc.freeze()  # pytest collects garbage three times; what is here already need not be looked at again


def _child(path: str, source: bytes, arguments: list[str], cpu_s: int) -> None:
    """Never returns: the process ends with pytest's exit code."""
    code = 70
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
        if sys.platform == "linux":  # macOS has no such limit
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        sys.meta_path.insert(0, _Finder(path, source))
        code = int(pytest.main(arguments))
    finally:
        os._exit(code)


def _outcome(process: int, wall_s: float) -> Result:
    end = time.monotonic() + wall_s
    while True:
        ended, status, usage = os.wait4(process, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > end:
            os.killpg(process, signal.SIGKILL)
        time.sleep(0.004)
    how = f"exit {code}" if (code := os.waitstatus_to_exitcode(status)) >= 0 else signal.Signals(-code).name
    return Result(code != 0, how, usage.ru_utime + usage.ru_stime)


class _Finder(importlib.abc.MetaPathFinder):
    """Gives one module another source."""

    def __init__(self, path: str, source: bytes) -> None:
        self._name = path.removeprefix("emulator/").removesuffix(".py").replace("/", ".")
        self._loader = _Loader(self._name, str(ROOT / path))
        self._loader.source = source

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._loader.path, loader=self._loader)


class _Loader(importlib.machinery.SourceFileLoader):
    source: bytes

    def get_code(self, _fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec", dont_inherit=True)
