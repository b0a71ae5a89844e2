from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import tui

ALLOWED = {
    "orchestrator.api.calls",
    "orchestrator.api.changes",
    "orchestrator.api.client",
    "orchestrator.api.conflict_views",
    "orchestrator.api.dependants",
    "orchestrator.api.log_views",
    "orchestrator.api.timing_views",
    "orchestrator.api.models",
    "orchestrator.errors",
    "orchestrator.plan.values",
    "orchestrator.safe_text",
    "orchestrator.states",
}


def _loaded_by(statement: str) -> set[str]:
    script = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_engine_is_importable_without_textual() -> None:
    loaded = _loaded_by("import orchestrator, orchestrator.api.client, orchestrator.safe_text")
    assert not {name for name in loaded if name.split(".")[0] in {"textual", "tui"}}


def test_safe_text_needs_the_standard_library_only() -> None:
    loaded = _loaded_by("import orchestrator.safe_text")
    assert {name for name in loaded if name.startswith("orchestrator")} == {
        "orchestrator",
        "orchestrator.safe_text",
    }
    assert not {"pydantic", "anyio", "httpx"} & loaded


def test_the_dashboard_imports_nothing_of_the_engine_but_its_door() -> None:
    for path in Path(tui.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("orchestrator"):
                assert node.module in ALLOWED, f"{path.name} imports {node.module}"
            if isinstance(node, ast.Import):
                assert not [a.name for a in node.names if a.name.startswith("orchestrator")]
