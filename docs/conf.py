"""How Sphinx makes the documentation site; ``./alo docs`` runs it."""

import pydoc
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from alo_lib.settings import Settings

logger = logging.getLogger(__name__)

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PUBLIC: Final = ("alo_lib.pricing", "alo_lib.volatility", "models")
"""The packages that have a page of their own, and whose names the site links to."""

project = PROJECT["name"]
release = version = PROJECT["version"]
copyright = f"the contributors, {PROJECT['license']}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click"]
html_theme = "furo"
html_title = f"{project} {release}"
html_show_sourcelink = False
smartquotes = False  # they make a dash of the two of an option
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}

# What other projects document. Their inventories lie on the network, which a build does not use. Sphinx looks for
# Annotated in the module of what is annotated.
nitpick_ignore_regex = [("py:.*", r"(?!alo_lib\b|models\b).*"), ("py:class", r".*\.Annotated")]


class _Lean(type):
    """A class that has every attribute: what LEAN and .NET offer, where neither is installed."""

    def __getattr__(cls, name: str) -> "_Lean":
        if name.startswith("__"):
            raise AttributeError(name)
        return _Lean(name, (), {"__module__": "LEAN"})

    def __getitem__(cls, _: Any) -> "_Lean":
        return cls


class _LeanModule(ModuleType):
    """A module of such classes."""

    def __getattr__(self, name: str) -> _Lean:
        return getattr(_Lean(self.__name__, (), {}), name)


for _name in (
    "AlgorithmImports",
    "clr",
    "System",
    "System.Linq.Expressions",
    "System.Reflection",
    "System.Reflection.Emit",
    "System.Runtime.InteropServices",
):
    sys.modules[_name] = _LeanModule(_name)


class SettingsTable(SphinxDirective):
    """Every setting with its default, what it may be and its meaning, from the class itself."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        table = nodes.table()
        group = nodes.tgroup(cols=4)
        table += group
        group += [nodes.colspec(colwidth=width) for width in (22, 15, 25, 38)]
        head, body = nodes.thead(), nodes.tbody()
        head += _row(nodes.Text("setting"), nodes.Text("default"), nodes.Text("allowed"), nodes.Text("what it is"))
        for name, field in Settings.model_fields.items():
            default = ",".join(field.default) if isinstance(field.default, tuple) else str(field.default)
            shown = nodes.literal(text=default) if default else nodes.Text("")
            texts = map(nodes.Text, (Settings.allowed(name), field.description or ""))
            body += _row(nodes.literal(text=name.replace("_", "-")), shown, *texts)
        group += [head, body]
        return [table]


def _row(*cells: nodes.Node) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def find_reference(
    app: Sphinx, environment: BuildEnvironment, node: pending_xref, shown: nodes.TextElement
) -> nodes.Node | None:
    """A link to the public name of what is defined elsewhere; the name as text where what it says is internal.

    What is not there at all stays without an answer, and is a warning.
    """
    target = node.get("reftarget", "")
    found = _located(target) if target.startswith(("alo_lib.", "models.")) else None
    if found is None:
        return None
    for package in PUBLIC:
        name = next((name for name in sys.modules[package].__all__ if getattr(sys.modules[package], name) is found), "")
        if name:
            domain = environment.domains["py"]
            return domain.resolve_xref(
                environment, node["refdoc"], app.builder, "obj", f"{package}.{name}", node, shown
            )
    return shown


def _located(target: str) -> Any:
    """What a dotted name says: an object, the spec of a module that needs packages which are not here, or None."""
    try:
        return pydoc.locate(target)
    except pydoc.ErrorDuringImport:
        return find_spec(target)


def fill_data(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Give what a package exports of its modules' constants and types the words that stand below them there."""
    package, _, short = name.rpartition(".")
    if what != "data" or package not in PUBLIC:
        return
    for module in sorted(name for name in sys.modules if name.startswith(f"{package}.")):
        if getattr(sys.modules[module], short, None) is value:
            words = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", short))
            if words:
                lines[:] = words
                return
    logger.warning("%s has no docstring below it in a module of %s", name, package)


def setup(app: Sphinx) -> None:
    """Add the project's own directive, how a name is found, and the words of constants."""
    app.add_directive("settings-table", SettingsTable)
    app.connect("autodoc-process-docstring", fill_data)
    app.connect("missing-reference", find_reference)
