"""Builds the lessons' notebooks from their sources.

A lesson's source is text in jupytext's percent format. Its title and introduction are the docstring
of the stub module, and a cell `# stub: NAME` becomes that function of the stub module, so that both
are written once.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_markdown_cell


def sources(exercises: Path) -> list[Path]:
    """The lessons of a folder of stub modules, in their order."""
    return sorted((exercises / "lessons").glob("[0-9][0-9]_*.py"))


def topic_of(source: Path) -> str:
    return source.stem[3:]


def stub_module(source: Path) -> Path:
    """The stub module of a lesson; the capstone has a folder, and asks for its `digits.py`."""
    room = source.parents[1]
    module = room / f"{topic_of(source)}.py"
    return module if module.is_file() else room / topic_of(source) / "digits.py"


def stubs(module: str) -> dict[str, str]:
    """The functions of a stub module as text."""
    return {
        node.name: ast.get_source_segment(module, node) or ""
        for node in ast.parse(module).body
        if isinstance(node, ast.FunctionDef)
    }


def answers(source: Path, module: str) -> dict[str, str]:
    """A solution's text for each stub cell of a lesson; the first has all that the module adds."""
    asked = list(stubs(stub_module(source).read_text("utf-8")))
    given = stubs(module)
    parts = [node for node in ast.parse(module).body if getattr(node, "name", None) not in asked]
    rest = [ast.get_source_segment(module, node) or "" for node in parts]
    texts = {name: given.get(name, f"# {name} is missing") for name in asked}
    texts[asked[0]] = "\n\n\n".join([*rest, texts[asked[0]]])
    return texts


def introduction(module: str) -> str:
    """A stub module's docstring, its first line as a title."""
    title, _, rest = (ast.get_docstring(ast.parse(module)) or "").partition("\n")
    return f"# {title.rstrip('.')}\n{rest}"


def notebook(source: Path, functions: Mapping[str, str] | None = None) -> nbformat.NotebookNode:
    """The notebook of a lesson; `functions` stand in its stub cells if given.

    A stub's cell has the id `stub-NAME`, the cell that checks it `check-NAME`.
    """
    module = stub_module(source).read_text("utf-8")
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
    return finished(built)


def only(lesson: nbformat.NotebookNode, names: Collection[str]) -> nbformat.NotebookNode:
    """The lesson without the cells that ask for other functions than these."""
    others = {f"{kind}-{name}" for kind in ("stub", "check") for name in _asked(lesson) - {*names}}
    lesson.cells = [cell for cell in lesson.cells if cell.id not in others]
    return lesson


def _asked(lesson: nbformat.NotebookNode) -> set[str]:
    return {cell.id.removeprefix("stub-") for cell in lesson.cells if cell.id.startswith("stub-")}


def without(module: str, names: Collection[str]) -> str:
    """A stub module's text without some of its functions."""
    lines = module.splitlines(keepends=True)
    for node in reversed(ast.parse(module).body):
        if isinstance(node, ast.FunctionDef) and node.name in names:
            del lines[node.lineno - 1 : node.end_lineno]
    # Functions are two empty lines apart.
    return re.sub(r"\n{4,}", "\n\n\n", "".join(lines)).rstrip("\n") + "\n"


def finished(built: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook of these cells, for the kernel that every installation has."""
    built.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    built.nbformat, built.nbformat_minor = 4, 5
    nbformat.validate(built)
    return built


def copy_pictures(source: Path, folder: Path) -> None:
    """Copy what draws a lesson's pictures into its notebook's folder."""
    room = source.parent
    # A module of a lesson's own, the capstone's, draws with the package too.
    own = re.findall(r"^import (\w+_pictures)\b", source.read_text("utf-8"), re.MULTILINE)
    (folder / "pictures").mkdir(exist_ok=True)
    for file in (*room.glob("pictures/*.py"), *(room / f"{name}.py" for name in own)):
        shutil.copyfile(file, folder / file.relative_to(room))


def build(exercises: Path, folder: Path) -> None:
    """Write all notebooks, and beside them what draws their pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources(exercises):
        copy_pictures(source, folder)
        nbformat.write(notebook(source), folder / f"{source.stem}.ipynb")
