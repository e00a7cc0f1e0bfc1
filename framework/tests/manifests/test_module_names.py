"""One name for folder, package, URL, schema, branch and settings: what cannot be all of these is refused before it is imported."""

import sys
from pathlib import Path

import pytest
from framework.loader import installed, load_modules
from framework.module_names import refusal

from .conftest import Install, problems

EXPLODES = 'raise AssertionError("a refused module was imported")'


@pytest.mark.parametrize(
    "name",
    "seamark public api build health metrics docs host framework tests migrations pg_catalog pg_x".split(),
)
def test_names_that_mean_something_already_are_reserved(name: str) -> None:
    assert refusal(name) == "is reserved"


@pytest.mark.parametrize("name", ["select", "user", "order", "table", "window", "end", "returning"])
def test_sql_keywords_are_refused(name: str) -> None:
    assert refusal(name) == "is an SQL keyword"


@pytest.mark.parametrize("name", ["class", "lambda", "async"])
def test_python_keywords_are_refused(name: str) -> None:
    assert refusal(name) == "is a keyword of Python"


@pytest.mark.parametrize("name", ["json", "logging", "email", "calendar", "site"])
def test_the_standard_library_is_refused(name: str) -> None:
    assert refusal(name) == "is a module of Python's standard library"


@pytest.mark.parametrize("name", ["Contacts", "my-module", "2nd", "", "a b", "größe", "_private", "a.b", "a/b", "x\n"])
def test_anything_but_a_lower_case_identifier_is_refused(name: str) -> None:
    assert refusal(name) == "is not a lower-case Python identifier"


@pytest.mark.parametrize("name", ["contacts", "background_tasks", "crm2", "users"])
def test_ordinary_names_are_fine(name: str) -> None:
    assert refusal(name) is None


def test_the_modules_of_this_tree_have_names_that_pass() -> None:
    assert {name: refusal(name) for name in installed() if refusal(name)} == {}


def test_a_module_with_a_bad_name_is_refused_unimported(install: Install) -> None:
    install("select", EXPLODES)
    said = problems("select")
    assert "SM005 the module name 'select' is an SQL keyword (select)" in said
    assert "rename the folder, the package and the entry point" in said


def test_a_name_that_another_package_already_has_is_refused(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    taken = tmp_path_factory.mktemp("site")
    (taken / "postbox").mkdir()
    (taken / "postbox" / "__init__.py").write_text(EXPLODES)
    install("postbox", 'module = Module(name="postbox", label="")')
    monkeypatch.syspath_prepend(taken)
    said = problems("postbox")
    assert f"SM005 the module name 'postbox' is taken: Python imports that package from {taken / 'postbox'}" in said
    assert "not from seamark-postbox" in said


def test_a_module_whose_package_is_a_well_known_library_is_refused(install: Install) -> None:
    folder = install("redis", EXPLODES)
    sys.path.remove(str(folder))
    sys.path.append(str(folder))
    assert "the module name 'redis' is taken" in problems("redis")


def test_an_entry_point_into_another_package_is_refused(install: Install) -> None:
    install("alpha", EXPLODES, package="beta")
    said = problems("alpha")
    assert "SM005 the module 'alpha' lies in the package 'beta' (alpha)" in said
    assert 'alpha = "alpha.module:module"' in said


def test_two_distributions_with_one_module_are_both_named(install: Install) -> None:
    install("alpha", EXPLODES)
    install("alpha", EXPLODES, distribution="other-alpha")
    said = problems("alpha")
    assert "SM006 module 'alpha' belongs to other-alpha and to seamark-alpha (alpha)" in said


def test_an_editable_installation_provides_what_lies_in_its_project(install: Install, tmp_path: Path) -> None:
    folder = install("alpha", 'module = Module(name="alpha", label="")')
    info = folder / "seamark_alpha-1.0.dist-info"
    (info / "RECORD").write_text("")
    (info / "direct_url.json").write_text(f'{{"url": "file://{folder}", "dir_info": {{"editable": true}}}}')
    assert [module.name for module in load_modules(["alpha"])] == ["alpha"]
    (info / "direct_url.json").write_text('{"url": "file:///somewhere/else", "dir_info": {"editable": true}}')
    assert "the module name 'alpha' is taken" in problems("alpha")
