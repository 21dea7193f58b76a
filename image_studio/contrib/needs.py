"""An optional package that is not there is told by name, before anything imports it."""

from __future__ import annotations

from importlib.util import find_spec

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured


def needs(app: str, *packages: str, extra: str) -> None:
    """Called by an app's configuration before its models are imported.

    :param packages: modules that must be installed as apps of the site, too.
    :raises ImproperlyConfigured: naming the extra that brings a package, or the line that is missing.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise ImproperlyConfigured(f"{app} needs {', '.join(missing)}. Run: pip install 'image-studio[{extra}]'.")
    out = [name for name in ("image_studio", *packages) if not apps.is_installed(name)]
    if out:
        raise ImproperlyConfigured(f"{app} needs {', '.join(map(repr, out))} in INSTALLED_APPS as well.")
