"""Promises about the code base that no single unit can keep."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from voice_agent.core import errors
from voice_agent.engines.registry import Kind, providers

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "voice_agent"


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_the_gpl_synthesiser_is_only_ever_loaded_by_its_own_process() -> None:
    users = {p.name for p in SOURCE.rglob("*.py") if "espeakng_loader" in imported(p)}
    assert users == {"espeak_worker.py"}


def test_torch_is_never_imported_or_installed() -> None:
    assert not [p for p in SOURCE.rglob("*.py") if "torch" in imported(p)]
    for lock in (ROOT / "requirements").glob("*.lock"):
        assert not [line for line in lock.read_text().splitlines() if line.startswith("torch==")]


def test_lock_files_name_no_host() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        assert "://" not in lock.read_text()


@pytest.mark.parametrize("kind", list(Kind))
def test_every_provider_can_be_chosen_by_its_file_name(kind: Kind) -> None:
    found = providers(kind)
    assert found
    for name, provider in found.items():
        assert provider.kind is kind
        assert provider.summary
        assert (SOURCE / "engines" / kind / f"{name}.py").exists() or (
            SOURCE / "engines" / kind / name / "__init__.py"
        ).exists()


def test_error_codes_are_unique() -> None:
    tree = [
        e
        for e in vars(errors).values()
        if isinstance(e, type) and issubclass(e, errors.VoiceAgentError)
    ]
    codes = [error.code for error in tree]
    assert len(codes) == len(set(codes))


def test_every_error_is_drawn_in_the_tree() -> None:
    drawing = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.VoiceAgentError):
            assert name in drawing
            assert value.code in drawing


def test_the_command_line_starts_without_the_engines() -> None:
    code = (
        "import sys, voice_agent.cli; "
        "print(sorted({'onnxruntime', 'sqlalchemy', 'fastapi', 'pocketsphinx'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
