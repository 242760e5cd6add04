"""How Sphinx makes a site of these pages and those at the root: ``make site``."""  # noqa: INP001

project = "Siting"
root_doc = "docs/index"
include_patterns = [
    "docs/*.md", "docs/standards/*.md", "README.md", "README.zh.md", "CHANGELOG.md",
    "CONTRIBUTING.md", "data/sample/README.md", "benchmarks/README.md",
]  # fmt: skip
extensions = ["myst_parser"]
myst_heading_anchors = 4
suppress_warnings = ["toc.not_included"]
"""The tables of the index lead to all pages, in place of a tree; a test holds them to it."""

html_theme = "alabaster"
html_theme_options = {"nosidebar": True, "page_width": "1100px"}
