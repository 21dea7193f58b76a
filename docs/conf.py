"""Sphinx: furo and MyST. ``make docs`` builds with warnings as errors."""

from image_studio import __version__

project = "image_studio"
author = "image_studio contributors"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's name
version = release = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"image_studio {release}"
html_static_path: list[str] = []
