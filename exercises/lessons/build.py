"""Builds the lessons: `python exercises/lessons/build.py FOLDER` writes a notebook for each.

A lesson's source is text in jupytext's percent format. Its title and introduction are the docstring
of the stub module, and a cell `# stub: NAME` becomes that function of the stub module, so that both
are written once.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_markdown_cell

HERE = Path(__file__).resolve().parent


def sources() -> list[Path]:
    """The lessons in their order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def topic_of(source: Path) -> str:
    return source.stem[3:]


def module_of(source: Path) -> Path:
    """The stub module of a lesson; the capstone has a folder, and asks for its `digits.py`."""
    module = HERE.parent / f"{topic_of(source)}.py"
    return module if module.is_file() else HERE.parent / topic_of(source) / "digits.py"


def stubs(module: str) -> dict[str, str]:
    """The functions of a stub module as text."""
    return {
        node.name: ast.get_source_segment(module, node) or ""
        for node in ast.parse(module).body
        if isinstance(node, ast.FunctionDef)
    }


def introduction(module: str) -> str:
    """A stub module's docstring, its first line as a title."""
    title, _, rest = (ast.get_docstring(ast.parse(module)) or "").partition("\n")
    return f"# {title.rstrip('.')}\n{rest}"


def notebook(source: Path, functions: Mapping[str, str] | None = None) -> nbformat.NotebookNode:
    """The notebook of a lesson; `functions` stand in its stub cells if given."""
    module = module_of(source).read_text("utf-8")
    functions = stubs(module) if functions is None else functions
    built = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
    built.cells.insert(0, new_markdown_cell(introduction(module)))
    for number, cell in enumerate(built.cells):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.NotebookNode()
        if stub := re.fullmatch(r"# stub: (\w+)", cell.source):
            cell.id = f"stub-{stub[1]}"
            cell.source = functions[stub[1]]
        elif check := re.fullmatch(r'check\("(\w+)"\)', cell.source):
            cell.id = f"check-{check[1]}"
    built.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    built.nbformat, built.nbformat_minor = 4, 5
    nbformat.validate(built)
    return built


def build(folder: Path) -> None:
    """Write all notebooks, and beside them the modules that draw their pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for module in HERE.glob("*pictures.py"):
        shutil.copyfile(module, folder / module.name)
    for source in sources():
        nbformat.write(notebook(source), folder / f"{source.stem}.ipynb")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python exercises/lessons/build.py FOLDER")
    build(Path(sys.argv[1]))
