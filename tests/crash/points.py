"""Fail points, read from the code: before and after every COMMIT and every external effect on a job's way.

A site is a function of the worker's side and what it does there: ``runner.marks.sending:commit``. Whoever adds one
gets its fail points by that, and a red test until a scenario comes there or it is set aside here with a reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "image_studio"
#: What is scanned: the worker's side, the doorbell, and the transaction of a request.
WATCHED = (*sorted((PACKAGE / "runner").glob("*.py")), PACKAGE / "tasks.py", PACKAGE / "workflow" / "once.py")

#: Effect -> what can be told apart of it. A file is written, flushed, and then has its name.
MOMENTS = {"flush": ("before",), "read": ("before",), "recover": ("before",)}
BOTH = ("before", "after")

#: Statements that are a transaction of their own: no block shows them, so they are named. A trace finds more.
ALONE = (
    "runner.beats.beat",
    "runner.beats.expire_dead",
    "runner.beats.leave",
    "runner.leases.renew",
    "runner.limits.begin",
    "runner.limits.close",
    "runner.sweep._adopt_asked",
    "runner.sweep.hand_back",
)

#: Site -> why no money and no picture hangs on it. A module's name stands for all of its sites.
ASIDE = {
    "runner.doctor": "a person's tool beside the path, with all its modules: tests/runner/test_doctor.py",
    "runner.early": "early versions: a courtesy that costs nothing and is no state: tests/runner/test_early.py",
    "runner.listening": "hears the doorbell, changes nothing",
    "runner.rendering": "public files of an approved picture, nothing is bought: tests/runner/test_rendering.py",
    "runner.withdrawing": "takes public files down, nothing is bought",
    "runner.saving.recomposed:read": "the raw picture of free local work: tests/runner/test_travel.py",
    "runner.stepping._go_on:commit": "a savepoint in the transaction of runner.saving.finish",
    "runner.sweep._lost_call:drop": "the folder of a free call that is made again",
    "runner.beats.leave:commit": "a worker's farewell, after everything",
}


TO_DO = (
    "Every COMMIT and every effect of a worker has its fail points. The purchase of a set comes past it by itself; if "
    "not, name the scenario that does in tests/crash/scenarios.py (REACHED_BY), or set it aside with the reason in "
    "tests/crash/points.py (ASIDE). A statement outside of a transaction is named in ALONE."
)


@dataclass(frozen=True, order=True)
class Site:
    """A function and what it does.

    :param where: module below the package and function, as ``runner.marks.sending``.
    :param effect: ``commit``, ``flush``, ``rename``, ``drop``, ``save``, ``delete``, ``read``, ``call``, ``recover``,
        ``ring``.
    """

    where: str
    effect: str

    def __str__(self) -> str:
        return f"{self.where}:{self.effect}"

    @property
    def aside(self) -> str:
        """Why it is set aside; empty where it is not."""
        module = ".".join(self.where.split(".")[:2]).partition("_")[0]
        return ASIDE.get(str(self), ASIDE.get(module, ""))


@dataclass(frozen=True, order=True)
class Point:
    """A moment at a site."""

    site: Site
    moment: str

    def __str__(self) -> str:
        return f"{self.site}:{self.moment}"


def points() -> list[Point]:
    """Every fail point of the job path."""
    return [Point(site, moment) for site in sites() if not site.aside for moment in MOMENTS.get(site.effect, BOTH)]


@cache
def sites() -> tuple[Site, ...]:
    """Every site in the code, those set aside too."""
    found = {site for path in WATCHED for site in _in(path)}
    return tuple(sorted(found | {Site(where, "commit") for where in ALONE}))


@cache
def functions() -> frozenset[str]:
    """Every function that could be a site."""
    return frozenset(
        where for path in WATCHED for where, _node in _functions(ast.parse(path.read_text()), module(path))
    )


@cache
def module(path: Path) -> str:
    """``runner.marks`` of its path."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def _in(path: Path) -> Iterator[Site]:
    for where, function in _functions(ast.parse(path.read_text()), module(path)):
        for node in ast.walk(function):
            for effect in _effects(node):
                yield Site(where, effect)


def _functions(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST]]:
    """The outermost functions and methods; what is defined within one belongs to it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{where}.{child.name}", child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{where}.{child.name}")


def _effects(node: ast.AST) -> tuple[str, ...]:
    """What an attribute or a call does to the world."""
    if not isinstance(node, (ast.Attribute, ast.Call)):
        return ()
    if isinstance(node, ast.Call):
        name, words = ast.unparse(node.func), {word.arg for word in node.keywords}
        calls_provider = name.endswith(".run") and "spool" in words
        return ("call",) if calls_provider else ("recover",) if name.endswith(".recover") else ()
    name = ast.unparse(node)
    if name.endswith(".atomic"):
        return ("commit",)
    if name.endswith("Spool().put"):
        return ("flush", "rename")
    for ending, effect in _ENDINGS.items():
        if name.endswith(ending):
            return (effect,)
    return ()


_ENDINGS = {
    "Spool().drop": "drop",
    "os.fsync": "flush",
    "storage.write": "save",
    "storage.remove": "delete",
    "storage.read": "read",
    ".read_bytes": "read",
    ".load_files": "read",
    "listening.ring": "ring",
}
