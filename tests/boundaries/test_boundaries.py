"""What may import what, told by small trees that keep to it or do not; and the tree that this is, which does."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Annotated

import pytest
from fastapi import Depends
from framework.loader import load_modules
from framework.module import Module
from framework.routing import Router
from host.boundaries import findings
from host.boundaries.cycles import import_cycles
from host.boundaries.directions import foreign_imports
from host.boundaries.exceptions import Exceptions
from host.boundaries.sources import read_tree
from host.boundaries.threads import thread_hops
from host.boundaries.words import forbidden_words
from host.dev.environment import CLONE

ALPHA = Module(name="alpha", label="Alpha", requires=("beta",))
BETA = Module(name="beta", label="Beta")

type Judge = Callable[..., list[str]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """``judge({"modules/alpha/alpha/service.py": "import os"})``: the findings of a clone with these files."""

    def judge(files: dict[str, str], allowed: dict[tuple[str, str], str] | None = None) -> list[str]:
        for name in ("alpha", "beta"):
            files = {f"modules/{name}/pyproject.toml": "", f"modules/{name}/{name}/contract.py": "", **files}
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(dedent(text))
        tree, exceptions = read_tree(tmp_path), Exceptions(allowed or {})
        found = [
            *foreign_imports(tree, (ALPHA, BETA), exceptions),
            *import_cycles(tree, exceptions),
            *forbidden_words(tree),
            *exceptions.unneeded(),
        ]
        assert all(finding.code == "SM009" and finding.hint for finding in found)
        return [f"{finding.message} ({finding.owner})" for finding in found]

    return judge


def test_this_tree_keeps_to_all_of_it() -> None:
    assert [str(finding) for finding in findings(CLONE, load_modules(None), Exceptions())] == []


def test_this_tree_is_really_read() -> None:
    tree = read_tree(CLONE)
    assert {"framework.routing", "host.boot", "contacts.service", "users.contract"} <= tree.sources.keys()
    assert ("host.boot", "framework.routing") in {(found.importer, found.imported) for found in tree.imports}


class TestDirections:
    @pytest.mark.parametrize(
        "files",
        [
            {"host/host/boot.py": "from framework import routing\nimport framework.loader"},
            {"modules/alpha/alpha/service.py": "from framework.request_session import Session\nimport sqlalchemy, os"},
            {"modules/alpha/alpha/service.py": "from beta.contract import Event"},
            {"modules/alpha/alpha/service.py": "from beta import contract\nimport beta.contract"},
            {
                "modules/alpha/alpha/service.py": "from alpha.tables import Row\nfrom . import tables\nfrom .tables import Row"
            },
            {"modules/alpha/tests/test_alpha.py": "from host.testing import people\nfrom beta.service import x"},
        ],
    )
    def test_what_goes_down_or_through_a_contract_is_fine(self, judge: Judge, files: dict[str, str]) -> None:
        assert judge(files) == []

    @pytest.mark.parametrize(
        "statement",
        ["import host.boot", "from host import boot", "from alpha.contract import Event", "def f():\n    import beta"],
    )
    def test_the_framework_knows_neither_host_nor_module(self, judge: Judge, statement: str) -> None:
        (said,) = judge({"framework/framework/routing.py": statement})
        assert said.startswith("framework/framework/routing.py:")
        assert said.endswith("the framework knows neither the host nor a module (seamark)")

    def test_a_module_does_not_know_the_host(self, judge: Judge) -> None:
        (said,) = judge({"modules/alpha/alpha/routes.py": "\n\nfrom host.boot import create_app"})
        assert said == "modules/alpha/alpha/routes.py:3 imports host.boot: a module does not know the host (alpha)"

    def test_the_host_loads_modules_by_name(self, judge: Judge) -> None:
        (said,) = judge({"host/host/boot.py": "import alpha.contract"})
        assert "imports alpha.contract: the host loads modules by name" in said

    @pytest.mark.parametrize(
        "statement",
        [
            "from beta.service import add",
            "from beta import service",
            "import beta",
            "from beta.contract.inner import x",
        ],
    )
    def test_of_another_module_only_the_contract_is_for_others(self, judge: Judge, statement: str) -> None:
        (said,) = judge({"modules/alpha/alpha/service.py": statement, "modules/beta/beta/service.py": ""})
        assert "of beta only its contract is for others (alpha)" in said

    def test_and_only_when_the_module_requires_it(self, judge: Judge) -> None:
        (said,) = judge({"modules/beta/beta/service.py": "from alpha.contract import Event"})
        assert "imports alpha.contract: beta does not require alpha (beta)" in said

    @pytest.mark.parametrize(
        "indented",
        [
            "if TYPE_CHECKING:\n    import host.boot",
            "def f() -> None:\n    import host.boot",
            "try:\n    import host.boot\nexcept ImportError: ...",
        ],
    )
    def test_an_import_that_is_hidden_is_one_all_the_same(self, judge: Judge, indented: str) -> None:
        assert len(judge({"modules/alpha/alpha/service.py": f"from typing import TYPE_CHECKING\n{indented}"})) == 1


class TestCycles:
    def test_two_files_that_import_each_other_are_named_with_the_place(self, judge: Judge) -> None:
        (said,) = judge(
            {"framework/framework/a.py": "import framework.b", "framework/framework/b.py": "from framework import a"}
        )
        assert said in (
            "framework.a → framework.b → framework.a import each other (seamark)",
            "framework.b → framework.a → framework.b import each other (seamark)",
        )

    def test_so_are_longer_circles_and_several_of_them(self, judge: Judge) -> None:
        said = judge(
            {
                "modules/alpha/alpha/a.py": "from alpha.b import x",
                "modules/alpha/alpha/b.py": "from alpha.c import x",
                "modules/alpha/alpha/c.py": "from alpha.a import x",
                "modules/beta/beta/a.py": "from beta.b import x",
                "modules/beta/beta/b.py": "from beta.a import x",
            }
        )
        assert len(said) == 2
        assert any(line.count("→") == 3 and line.endswith("(alpha)") for line in said)

    @pytest.mark.parametrize(
        "hidden", ["if TYPE_CHECKING:\n    from framework.a import x", "def f():\n    from framework.a import x"]
    )
    def test_a_deferred_import_hides_a_circle_and_does_not_undo_it(self, judge: Judge, hidden: str) -> None:
        files = {"framework/framework/a.py": "import framework.b", "framework/framework/b.py": hidden}
        assert len(judge(files)) == 1
        assert judge(files, {("framework.b", "framework.a"): "a reason"}) == []

    def test_a_circle_at_import_cannot_be_excepted(self, judge: Judge) -> None:
        files = {"framework/framework/a.py": "import framework.b", "framework/framework/b.py": "import framework.a"}
        said = judge(files, {("framework.b", "framework.a"): "a reason"})
        assert len(said) == 2
        assert any("is not needed any more" in line for line in said)

    def test_importing_from_a_package_runs_the_package_first(self, judge: Judge) -> None:
        (said,) = judge(
            {
                "framework/framework/a.py": "from framework.pack.b import x",
                "framework/framework/pack/__init__.py": "from framework.pack.c import y",
                "framework/framework/pack/b.py": "",
                "framework/framework/pack/c.py": "from framework.a import z",
            }
        )
        assert "framework.pack → framework.pack.c" in said

    def test_a_package_may_collect_its_own_files(self, judge: Judge) -> None:
        assert judge({"framework/framework/pack/__init__.py": "from framework.pack.b import x", "framework/framework/pack/b.py": "from framework.pack.c import y", "framework/framework/pack/c.py": ""}) == []  # fmt: skip


class TestExceptions:
    FILES = {"modules/alpha/alpha/service.py": "from host.boot import create_app"}  # noqa: RUF012 - read only

    def test_allow_what_they_name(self, judge: Judge) -> None:
        assert judge(self.FILES, {("alpha.service", "host.boot"): "a reason"}) == []
        assert judge(self.FILES, {("alpha.service", "host"): "a reason"}) == []

    def test_and_nothing_else(self, judge: Judge) -> None:
        said = judge(self.FILES, {("alpha.service", "host.boo"): "a reason"})
        assert len(said) == 2

    def test_fail_when_nothing_needs_them_any_more(self, judge: Judge) -> None:
        (said,) = judge({}, {("alpha.service", "host.boot"): "a reason"})
        assert said == "the exception for alpha.service, which may import host.boot, is not needed any more (seamark)"


class TestWords:
    @pytest.mark.parametrize(
        ("path", "text", "word"),
        [
            (
                "framework/framework/a.py",
                "from starlette.middleware.base import BaseHTTPMiddleware",
                "BaseHTTPMiddleware",
            ),
            (
                "modules/alpha/alpha/a.py",
                "import starlette.middleware.base as b\nb.BaseHTTPMiddleware(None)",
                "BaseHTTPMiddleware",
            ),
            ("host/host/a.py", "Base.metadata.create_all(engine)", "create_all"),
            ("host/host/a.py", "await connection.run_sync(Base.metadata.create_all)", "create_all"),
            ("modules/alpha/alpha/a.py", "class Mine(base.BaseHTTPMiddleware): ...", "BaseHTTPMiddleware"),
            ("modules/alpha/alpha/a.py", "import_csv.delay(1)", "delay"),
            ("modules/alpha/alpha/a.py", "later = import_csv.delay\nlater(1)", "delay"),
            ("modules/alpha/alpha/a.py", "if later := import_csv.delay:\n    later(1)", "delay"),
            ("modules/alpha/alpha/a.py", "after_commit(functools.partial(import_csv.delay, 1))", "delay"),
            ("modules/alpha/alpha/a.py", "getattr(import_csv, 'delay')(1)", "delay"),
            ("modules/alpha/alpha/a.py", "import_csv.apply_async((1,))", "apply_async"),
            ("modules/alpha/alpha/a.py", "after_commit(import_csv.apply_async)", "apply_async"),
            ("modules/alpha/alpha/a.py", "current_app.send_task('alpha.import')", "send_task"),
            ("modules/alpha/alpha/a.py", "from celery import shared_task as background", "shared_task"),
        ],
    )
    def test_what_is_wrong_here_is_found_with_its_place(self, judge: Judge, path: str, text: str, word: str) -> None:
        (said,) = judge({path: text})
        line = next(number for number, line in enumerate(text.splitlines(), start=1) if word in line)
        assert said.startswith(f"{path}:{line} uses {word}")

    def test_what_is_only_spoken_of_is_not(self, judge: Judge) -> None:
        assert (
            judge(
                {
                    "modules/alpha/alpha/a.py": '"""Never delay() or create_all()."""\nx = "BaseHTTPMiddleware"  # apply_async'
                }
            )
            == []
        )

    def test_a_duration_may_be_called_a_delay(self, judge: Judge) -> None:
        text = "async def wait(options):\n    delay = options.delay\n    await sleep(delay)\n    self.delay = delay"
        assert judge({"modules/alpha/alpha/a.py": text}) == []

    def test_the_framework_may_talk_to_celery(self, judge: Judge) -> None:
        assert judge({"framework/framework/a.py": "task.apply_async()"}) == []


class TestThreads:
    def found(self, router: Router) -> list[str]:
        return [finding.message for finding in thread_hops([Module(name="alpha", label="", router=router)])]

    def test_a_route_that_is_no_coroutine_is_found(self) -> None:
        router = Router("alpha")

        @router.get("")
        def things() -> None: ...

        (said,) = self.found(router)
        assert said.endswith("things is not `async def`")

    def test_so_is_a_dependency_however_deep_once(self) -> None:
        def deep() -> None: ...

        class Thing: ...

        async def shallow(_: Annotated[None, Depends(deep)]) -> None: ...

        router = Router("alpha")
        for path in ("/a", "/b"):

            @router.get(path)
            async def things(_: Annotated[None, Depends(shallow)], thing: Annotated[Thing, Depends()]) -> None: ...

        said = self.found(router)
        assert [line.partition(" ")[0].rpartition(".")[2] for line in said] == ["deep", "Thing"]
