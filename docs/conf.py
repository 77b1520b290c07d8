"""The documentation's site, built by Sphinx: `make docs`. The README is its front page."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

project = "statsbot_webhooks"
author = "the statsbot_webhooks developers"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "statsbot_webhooks"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}
# A picture of an emoji font or a script from elsewhere would need the network: nothing is loaded from another host.
html_static_path = ["_static"]
html_css_files = ["site.css"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
# In docstrings names stand between single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "undoc-members": False}
suppress_warnings = ["myst.strikethrough"]
nitpicky = False
# Files beside docs/ that pages link to.
_PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "reporting.md"}


def _read(_app: Any, docname: str, source: list[str]) -> None:
    """Let links of files beside docs/ lead to the pages that show them."""
    text = source[0]
    if docname == "index":
        text = (ROOT / "README.md").read_text("utf-8") + text
    if include := re.search(r"\A<!-- shows (\S+) -->", text):
        text = (ROOT / include[1]).read_text("utf-8")
    for name, page in _PAGES.items():
        text = re.sub(rf"\]\((?:\.\./)*{re.escape(name)}", f"](/{page}", text)
    # Files of the repository that are no pages are named, not linked.
    text = re.sub(r"(?<!!)\[([^\]]+)\]\((?:\.\./)*(?:examples|tests|benchmarks|\.ci)/[^)]*\)", r"\1", text)
    source[0] = re.sub(r"\]\((?:\.\./)*docs/", "](/", text)


def setup(app: Any) -> None:
    """Register with Sphinx."""
    app.connect("source-read", _read)
    # Sphinx and Pygments are in the environment of the docs alone.
    app.add_lexer("env", importlib.import_module("pygments.lexers.configs").PropertiesLexer)
