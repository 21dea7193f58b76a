"""The template tags as functions for Jinja2: ``{{ studio_picture(article.picture, "hero") }}``.

In a site's ``TEMPLATES``::

    {"BACKEND": "django.template.backends.jinja2.Jinja2", "OPTIONS": {"extensions": ["image_studio.jinja2.Studio"]}}

What they answer is markup: autoescaping leaves it as it is, and has nothing left to do inside.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from image_studio.templatetags.image_studio import studio_image_url, studio_picture

try:
    from jinja2 import Environment, pass_context
    from jinja2.ext import Extension
except ImportError as error:
    raise ImproperlyConfigured("image_studio.jinja2 needs Jinja2: pip install 'image-studio[jinja2]'.") from error

__all__ = ["FUNCTIONS", "Studio"]

#: Name -> function. Each takes what its tag takes; the context gives the request, which a render without one lacks.
FUNCTIONS: dict[str, Any] = {
    "studio_picture": pass_context(studio_picture),
    "studio_image_url": pass_context(studio_image_url),
}


class Studio(Extension):
    """Puts the functions into an environment. One that is made by hand may take :data:`FUNCTIONS` instead."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update(FUNCTIONS)
