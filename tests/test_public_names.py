"""The public names: each exists and is documented, and there are no others."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import keras_musictag as kmt

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "keras_musictag"
PACKAGES = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.pyi"))


def exports(stub: Path) -> dict[str, str]:
    """The public names in a stub, each with its module, such as ".reading", or "." for a subpackage."""
    nodes = ast.parse(stub.read_text(encoding="utf-8")).body
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return {alias.name: f".{node.module or ''}" for node in imports for alias in node.names}


@pytest.mark.parametrize("name", kmt.__all__)
def test_every_public_name_exists_and_is_documented(name):
    thing = getattr(kmt, name)
    assert inspect.getdoc(thing)
    assert thing.__name__.removeprefix("keras_musictag.") == name


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_of_subpackages_are_documented(package):
    module = importlib.import_module(f"keras_musictag.{package}")
    assert sorted(module.__all__) == sorted(exports(PACKAGE / package / "__init__.pyi"))
    for name in module.__all__:
        thing = getattr(module, name)
        assert not inspect.ismodule(thing), f"{package}.{name} is a module"
        assert not callable(thing) or (inspect.getdoc(thing) and thing.__name__ == name)


def test_no_function_is_named_after_a_module():
    subpackages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    for path in PACKAGE.rglob("*.py"):
        functions = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        if "cli" not in path.parts:  # the functions there are commands
            assert path.stem not in functions, path
            assert not functions & subpackages, path


def test_the_stub_lists_the_public_names():
    assert sorted(kmt.__all__) == sorted(exports(PACKAGE / "__init__.pyi"))
    assert set(kmt.__all__) <= set(dir(kmt))


def python_in(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return re.findall("```python\n(.*?)```", text, flags=re.S) if path.suffix == ".md" else [text]


def test_public_names_are_imported_by_their_public_path():
    public = {}
    for package in PACKAGES:
        for name, module in exports(PACKAGE / package / "__init__.pyi").items():
            public[f"keras_musictag.{package}{module}", name] = f"keras_musictag.{package}"
    wrong = []
    for path in (*ROOT.glob("tests/**/*.py"), *ROOT.glob("scripts/**/*.py"), *ROOT.glob("docs/**/*.md")):
        for source in python_in(path):
            try:
                tree = ast.parse(source)
            except SyntaxError:  # a listing with "..." or output in it
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom):
                    found = [alias.name for alias in node.names if (node.module, alias.name) in public]
                    wrong += [f"{path.relative_to(ROOT)}: {node.module}.{name}" for name in found]
    assert wrong == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="laod"):
        kmt.laod  # noqa: B018


@pytest.mark.parametrize("name", ["load", "build", "export", "list_models", "demo_clip"])
def test_every_public_function_has_types_and_an_example(name):
    function = getattr(kmt, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    assert ">>>" in function.__doc__
