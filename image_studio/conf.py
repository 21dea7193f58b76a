"""The site's settings as one frozen value, read at use.

``IMAGE_STUDIO`` is one dict in the site's settings; unknown keys raise, so that a typing error dies at start-up
and not in production. :func:`conf` is cached and forgotten whenever a test overrides the setting.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from image_studio.brand.checks import DEFAULT_CHECKS
from image_studio.catalog import specs
from image_studio.catalog.specs import ModelSpec, RouteSpec

DOORBELLS = ("poll", "notify", "inline")
#: Requests a person (for ``published`` an address) may send, by scope.
API_RATES = {
    "read": "1200/min",
    "write": "240/min",
    "upload": "240/min",
    "spend": "60/min",
    "published": "2400/min",
}


class ConfigurationError(ImproperlyConfigured):
    """The site's settings do not hold. Stands outside ``StudioError``: no retry loop may swallow it."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One named use of ``{% studio_picture %}``: the widths to make, in pixels, and the ``sizes`` attribute."""

    widths: tuple[int, ...] = (480, 960, 1440)
    sizes: str = "100vw"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every key of ``IMAGE_STUDIO``, lower-cased, with its default. Times are seconds, sizes bytes or pixels."""

    providers: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {"previs": {"BACKEND": "image_studio.providers.previs", "OPTIONS": {}}}
    )
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    brand_checks: tuple[Any, ...] = DEFAULT_CHECKS
    private_storage: str = ""
    public_storage: str = "default"
    private_root: str = ""
    spool_dir: str = ""
    doorbell: str = "poll"
    lease_seconds: float = 60.0
    beat_seconds: float = 5.0
    sweep_seconds: float = 10.0
    poll_seconds: float = 0.2
    deadline_seconds: float = 300.0
    max_attempts: int = 3
    worker_concurrency: int = 16
    pixel_threads: int = 2
    max_upload_bytes: int = 50_000_000
    max_pixels: int = 50_000_000
    max_cells: int = 500
    max_takes: int = 8
    pictures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rendition_formats: tuple[str, ...] = ("avif", "webp")
    #: Dotted paths of DRF authentication classes; empty: sessions, and tokens where authtoken is installed.
    api_authentication: tuple[str, ...] = ()
    #: Scope -> DRF rate, over :data:`API_RATES`; "" is no limit.
    api_rates: Mapping[str, str] = field(default_factory=dict)
    #: Whether ``v1/docs/`` serves the reference page.
    api_docs: bool = False
    #: How long browsers and proxies may keep an answer of ``v1/published/``, in seconds.
    published_seconds: int = 300

    def picture(self, name: str) -> Picture:
        """A named picture use; ``default`` for a name that is not configured is an error the tag reports."""
        row = self.pictures.get(name)
        if row is None and name != "default":
            raise ConfigurationError(
                f"IMAGE_STUDIO['PICTURES'] has no {name!r}; it has {specs.names(['default', *self.pictures])}."
            )
        given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in (row or {}).items()}
        return Picture(**given)

    @property
    def widths(self) -> tuple[int, ...]:
        """Every width that any picture use asks for, ascending."""
        return tuple(sorted({w for name in ("default", *self.pictures) for w in self.picture(name).widths}))


@cache
def conf() -> Settings:
    """The settings now.

    :raises ConfigurationError: for an unknown key, a wrong type or a value outside its choices.
    """
    raw = getattr(settings, "IMAGE_STUDIO", {})
    if not isinstance(raw, Mapping):
        raise ConfigurationError("IMAGE_STUDIO must be a dict.")
    known = {f.name.upper(): f for f in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ConfigurationError(f"IMAGE_STUDIO has no key {key!r}.{hint}")
        values[key.lower()] = _typed(key, str(known[key].type), value)
    found = Settings(**values)
    _judge(found)
    return found


def _typed(key: str, kind: str, value: Any) -> Any:
    if kind.startswith("tuple") and isinstance(value, (list, tuple)):
        return tuple(value)
    if kind.startswith("Mapping") and isinstance(value, Mapping):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "str" and isinstance(value, (str, Path)):
        return str(value)
    if kind in ("int", "float") and isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value) if kind == "int" else float(value)
    wanted = kind.partition("[")[0]
    raise ConfigurationError(f"IMAGE_STUDIO[{key!r}] must be {wanted}, not {type(value).__name__}.")


def _judge(found: Settings) -> None:
    if found.doorbell not in DOORBELLS:
        raise ConfigurationError(f"IMAGE_STUDIO['DOORBELL'] must be one of {specs.names(DOORBELLS)}.")
    for name in ("lease_seconds", "beat_seconds", "sweep_seconds", "poll_seconds", "deadline_seconds"):
        if getattr(found, name) <= 0:
            raise ConfigurationError(f"IMAGE_STUDIO[{name.upper()!r}] must be more than 0.")
    if found.beat_seconds * 2 > found.lease_seconds:
        raise ConfigurationError("IMAGE_STUDIO['LEASE_SECONDS'] must be at least twice BEAT_SECONDS.")
    unknown = set(found.api_rates) - set(API_RATES)
    if unknown:
        raise ConfigurationError(
            f"IMAGE_STUDIO['API_RATES'] has unknown scopes {specs.names(unknown)}; it has {specs.names(API_RATES)}."
        )
    for name, row in found.pictures.items():
        unknown = set(row) - {"widths", "sizes"}
        if unknown:
            raise ConfigurationError(f"IMAGE_STUDIO['PICTURES'][{name!r}] has unknown keys {specs.names(unknown)}.")


def routes() -> dict[str, RouteSpec]:
    """The shipped routes, with the site's rows over them, as far as their provider is configured."""
    return _merged("ROUTES", RouteSpec, specs.routes(), conf().routes, "name")


def models() -> dict[str, ModelSpec]:
    """The shipped models with the site's rows over them."""
    return _merged("MODELS", ModelSpec, specs.models(), conf().models, "id")


def _merged(
    setting: str, cls: type[Any], shipped: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], key: str
) -> dict[str, Any]:
    merged = dict(shipped)
    for name, row in rows.items():
        try:
            merged[name] = replace(merged[name], **row) if name in merged else cls(**{key: name, **row})
        except TypeError as error:
            raise ConfigurationError(f"IMAGE_STUDIO[{setting!r}][{name!r}]: {error}") from error
    configured = conf().providers
    return {name: item for name, item in merged.items() if item.provider in configured}


@cache
def provider(alias: str) -> Any:
    """The provider of an alias, built once from its ``BACKEND`` module and ``OPTIONS``.

    :raises ConfigurationError: for an unknown alias, module, class or option.
    """
    try:
        row = conf().providers[alias]
    except KeyError:
        raise ConfigurationError(
            f"IMAGE_STUDIO['PROVIDERS'] has no {alias!r}; it has {specs.names(conf().providers)}."
        ) from None
    unknown = set(row) - {"BACKEND", "OPTIONS"}
    if unknown:
        raise ConfigurationError(f"IMAGE_STUDIO['PROVIDERS'][{alias!r}] has unknown keys {specs.names(unknown)}.")
    try:
        return import_module(row["BACKEND"]).Provider(alias, **row.get("OPTIONS", {}))
    except (KeyError, ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError(f"IMAGE_STUDIO['PROVIDERS'][{alias!r}]: {error}") from error


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "IMAGE_STUDIO":
        conf.cache_clear()
        provider.cache_clear()


setting_changed.connect(_forget, dispatch_uid="image_studio.conf")
