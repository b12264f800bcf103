"""How Sphinx builds the documentation. Needs no network."""

from importlib.metadata import version as distribution_version

project = "placement-guard"
author = "the placement-guard maintainers"
version = release = distribution_version("placement-guard")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

# "#a-heading" can be linked to, on these pages and where the sources are browsed.
myst_heading_anchors = 3

html_theme = "alabaster"
html_theme_options = {
    "description": "Admission control for OpenStack Placement",
    "fixed_sidebar": True,
    "page_width": "1100px",
}
html_copy_source = False
html_show_sourcelink = False
