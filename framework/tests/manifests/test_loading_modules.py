"""From entry points to manifests in order, with everything that is wrong in one error."""

import subprocess
import sys

import pytest
from framework.findings import BootError
from framework.loader import load_modules

from .conftest import Install, problems


def plain(name: str, *requires: str) -> str:
    return f'module = Module(name="{name}", label="A module", requires={requires})'


def test_modules_come_after_what_they_require(install: Install) -> None:
    install("alpha", plain("alpha", "gamma"))
    install("beta", plain("beta", "alpha"))
    install("gamma", plain("gamma"))
    assert [module.name for module in load_modules(["beta", "alpha", "gamma"])] == ["gamma", "alpha", "beta"]


def test_what_an_enabled_module_requires_is_enabled_too_and_logged(
    install: Install, logged: list[dict[str, str]]
) -> None:
    install("alpha", plain("alpha", "beta"))
    install("beta", plain("beta"))
    assert {module.name for module in load_modules(["alpha"])} == {"alpha", "beta"}
    assert [(line["module"], line["required_by"]) for line in logged] == [("beta", "alpha")]


def test_only_enabled_modules_are_imported(install: Install) -> None:
    folder = install("alpha", plain("alpha"))
    install("beta", 'raise AssertionError("imported")')
    script = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from framework.loader import load_modules\n"
        "load_modules(['alpha'])\n"
        "print(sorted(name for name in ('alpha', 'beta', 'users', 'contacts', 'admin') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['alpha']\n"


def test_a_requirement_that_is_not_installed_names_both_modules_and_the_command(install: Install) -> None:
    install("alpha", plain("alpha", "postbox"))
    said = problems("alpha")
    assert "SM003 alpha asks for 'postbox', which is not installed (alpha)" in said
    assert "`uv add seamark-postbox`" in said


def test_an_unknown_name_in_the_setting_says_so(install: Install) -> None:
    said = problems("postbox")
    assert "SM003 SM_MODULES_ENABLED asks for 'postbox', which is not installed (seamark)" in said


def test_modules_that_require_each_other_are_named_in_a_circle(install: Install) -> None:
    install("alpha", plain("alpha", "beta"))
    install("beta", plain("beta", "gamma"))
    install("gamma", plain("gamma", "alpha"))
    assert "SM004" in (said := problems("alpha"))
    assert any(f"{circle} require each other" in said for circle in (
        "alpha → beta → gamma → alpha", "beta → gamma → alpha → beta", "gamma → alpha → beta → gamma",
    ))  # fmt: skip


def test_a_module_that_requires_itself_is_a_circle(install: Install) -> None:
    install("alpha", plain("alpha", "alpha"))
    assert "SM004 alpha → alpha require each other" in problems("alpha")


def test_an_import_that_fails_is_listed_with_its_error_and_how_to_see_more(install: Install) -> None:
    install("alpha", 'raise LookupError("no such table")')
    said = problems("alpha")
    assert "SM002 alpha.module:module raised LookupError: no such table (alpha)" in said
    assert "python -c 'import alpha.module' shows the traceback" in said


def test_a_setting_that_is_wrong_at_import_is_not_repeated(install: Install) -> None:
    install(
        "alpha",
        """
        import pydantic
        class Secrets(pydantic.BaseModel):
            token: int
        Secrets(token="hunter2")
        """,
    )
    said = problems("alpha")
    assert "alpha.module:module raised ValidationError: Secrets" in said
    assert "hunter2" not in said


def test_an_entry_point_that_holds_something_else_is_listed(install: Install) -> None:
    install("alpha", 'module = {"name": "alpha"}')
    assert "SM002 alpha.module:module is of the type dict, not a Module (alpha)" in problems("alpha")


def test_an_entry_point_whose_manifest_has_another_name_is_listed(install: Install) -> None:
    install("alpha", plain("beta"))
    assert "SM002 alpha.module:module calls itself 'beta' (alpha)" in problems("alpha")


def test_everything_wrong_with_several_modules_is_in_one_error(install: Install) -> None:
    install("alpha", plain("alpha", "postbox"))
    install("beta", "1 / 0")
    install("gamma", 'module = Module(name="gamma", label="", pages=("/elsewhere",))')
    install("select", plain("select"))
    said = problems("alpha", "beta", "gamma", "select", "nobody")
    assert said.startswith("Seamark cannot start: 5 problems\n")
    for code, owner in (
        ("SM003", "alpha"),
        ("SM002", "beta"),
        ("SM007", "gamma"),
        ("SM005", "select"),
        ("SM003", "nobody"),
    ):
        assert any(line.strip().startswith(code) and owner in line for line in said.splitlines()), (code, owner)


def test_every_problem_says_what_to_do_next(install: Install) -> None:
    install("alpha", plain("alpha", "postbox", "alpha"))
    install("beta", 'module = Module(name="beta", label="", pages=("/x",))')
    with pytest.raises(BootError) as refused:
        load_modules(["alpha", "beta", "nobody"])
    assert len(refused.value.findings) == 4
    assert all(finding.hint for finding in refused.value.findings)
