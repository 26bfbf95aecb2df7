"""The constructs' side of the dependency rules, and what an import of the package starts."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2] / "constructs/trainwright"
CONSTRUCTS = sorted(HERE.glob("*.py"))


def _imports(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", CONSTRUCTS, ids=lambda file: file.name)
def test_construct_never_imports_the_rehearsal_or_the_command_line(file):
    assert not [
        name for name in _imports(file) if name.startswith(("trainwright.rehearsal", "trainwright.cli", "moto"))
    ]


@pytest.mark.parametrize("file", CONSTRUCTS, ids=lambda file: file.name)
def test_construct_imports_only_plain_data_of_the_runtime(file):
    of_runtime = [name for name in _imports(file) if name.startswith("trainwright_runtime")]
    assert not [name for name in of_runtime if ".handlers" in name or "boto3" in name]


def test_definition_needs_no_cdk():
    assert not [name for name in _imports(HERE / "states.py") if name.startswith(("aws_cdk", "constructs"))]
    assert not list(_imports(HERE / "names.py"))


def _loaded_by(statement):
    code = f"import sys\n{statement}\nprint(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_of_the_package_starts_neither_jsii_nor_moto():
    assert not _loaded_by("import trainwright") & {"aws_cdk", "jsii", "moto", "boto3", "pydantic"}


def test_policy_is_had_without_the_cdk():
    assert not _loaded_by("from trainwright import TeamPolicy") & {"aws_cdk", "jsii", "moto"}


def test_public_names_are_all_there():
    import trainwright

    assert all(getattr(trainwright, name) for name in trainwright.__all__)
    assert set(trainwright.__all__) <= set(dir(trainwright))


def test_unknown_name_is_refused_with_those_that_exist():
    import trainwright

    with pytest.raises(AttributeError, match="TrainingPlatform"):
        _ = trainwright.Platform


def test_the_constructs_folder_is_no_package():
    assert not (HERE.parent / "__init__.py").exists(), "it would shadow the library `constructs`"
