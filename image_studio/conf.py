"""The site's settings as one frozen value, read at use.

``IMAGE_STUDIO`` is one dict in the site's settings; unknown keys raise, so that a typing error dies at start-up
and not in production. :func:`conf` is cached and forgotten whenever a test overrides the setting.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils import timezone

from image_studio.brand.checks import DEFAULT_CHECKS, with_moderation
from image_studio.catalog import specs
from image_studio.catalog.lifecycle import switched
from image_studio.catalog.specs import ModelSpec, RouteSpec

DOORBELLS = ("poll", "notify", "inline")
#: What RATE_LIMITS may limit of a provider.
LIMITS = ("images_per_minute", "tokens_per_minute")
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
    """One named use of ``{% studio_picture %}``: the widths to make, in pixels, and the ``sizes`` attribute.

    :param fallback: what is shown where the picture is not live: another picture's id, or the path of a static file.
    """

    widths: tuple[int, ...] = (480, 960, 1440)
    sizes: str = "100vw"
    fallback: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every key of ``IMAGE_STUDIO``, lower-cased, with its default. Times are seconds, sizes bytes or pixels."""

    providers: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {"previs": {"BACKEND": "image_studio.providers.previs", "OPTIONS": {}}}
    )
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Alias, or "alias/model" -> {"images_per_minute": n, "tokens_per_minute": n}: what all workers together may ask
    #: each model for.
    rate_limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Whether a call whose outcome is unknown is sent once more by itself, with a hold of its own. It may then be
    #: charged twice.
    resend_unknown: bool = False
    #: Whether the database itself refuses to change or delete entries of the ledger and events. Off for a test runner
    #: that empties tables.
    append_only_triggers: bool = True
    #: Age of the oldest waiting job, in seconds, from which ``v1/health/ready/`` says that the queue stands.
    queue_age_seconds: float = 600.0
    #: "off", or the alias of the provider whose moderation looks at prompts and pictures.
    moderation: str = "off"
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
    return replace(found, brand_checks=with_moderation(found.brand_checks)) if found.moderation != "off" else found


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
    times = ("lease_seconds", "beat_seconds", "sweep_seconds", "poll_seconds", "deadline_seconds", "queue_age_seconds")
    for name in times:
        if getattr(found, name) <= 0:
            raise ConfigurationError(f"IMAGE_STUDIO[{name.upper()!r}] must be more than 0.")
    if found.beat_seconds * 2 > found.lease_seconds:
        raise ConfigurationError("IMAGE_STUDIO['LEASE_SECONDS'] must be at least twice BEAT_SECONDS.")
    _judge_providers(found)
    unknown = set(found.api_rates) - set(API_RATES)
    if unknown:
        raise ConfigurationError(
            f"IMAGE_STUDIO['API_RATES'] has unknown scopes {specs.names(unknown)}; it has {specs.names(API_RATES)}."
        )
    for name, row in found.pictures.items():
        unknown = set(row) - {"widths", "sizes", "fallback"}
        if unknown:
            raise ConfigurationError(f"IMAGE_STUDIO['PICTURES'][{name!r}] has unknown keys {specs.names(unknown)}.")
        if not isinstance(row.get("fallback", ""), str):
            raise ConfigurationError(
                f"IMAGE_STUDIO['PICTURES'][{name!r}]['fallback'] must be a picture's id or the path of a static file."
            )


def _judge_providers(found: Settings) -> None:
    for alias, provided in found.providers.items():
        if not isinstance(provided, Mapping) or not isinstance(provided.get("MODELS", {}), Mapping):
            raise ConfigurationError(f"IMAGE_STUDIO['PROVIDERS'][{alias!r}] must be a dict, as must be its MODELS.")
    if found.moderation not in ("off", *found.providers):
        raise ConfigurationError(
            f"IMAGE_STUDIO['MODERATION'] is {found.moderation!r}; it must be 'off' or an alias of PROVIDERS: "
            f"{specs.names(found.providers)}."
        )
    for name, row in found.rate_limits.items():
        if name.partition("/")[0] not in found.providers:
            raise ConfigurationError(
                f"IMAGE_STUDIO['RATE_LIMITS'] has {name!r}, which PROVIDERS has not: {specs.names(found.providers)}."
            )
        _judge_limits(name, row)


def _judge_limits(name: str, row: Mapping[str, Any]) -> None:
    where = f"IMAGE_STUDIO['RATE_LIMITS'][{name!r}]"
    if not isinstance(row, Mapping) or set(row) - set(LIMITS):
        raise ConfigurationError(f"{where} must be a dict of {specs.names(LIMITS)}.")
    for limit, most in row.items():
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise ConfigurationError(f"{where}[{limit!r}] must be a whole number, 1 or more, not {most!r}.")


def today() -> date:
    """The day by which models end and routes switch, in UTC. Tests set the clock here."""
    return timezone.now().astimezone(UTC).date()


def _clock() -> date:
    # Where an argument is called today as well; looked up at each call, so that a patched clock is seen.
    return today()


def routes(today: date | None = None) -> dict[str, RouteSpec]:
    """The shipped routes with the site's rows over them, as far as their provider is configured.

    Each is already switched to the model and quality that are right on that day, by the dates of its provider.

    :raises ConfigurationError: for a row that does not hold.
    """
    day = today or _clock()
    return {name: switched(spec, models_of(spec.provider), day) for name, spec in routes_as_written().items()}


def route(name: str, today: date | None = None) -> RouteSpec:
    """One of :func:`routes`.

    :raises KeyError: for a name that there is not.
    """
    spec = routes_as_written()[name]
    return switched(spec, models_of(spec.provider), today or _clock())


@cache
def routes_as_written() -> Mapping[str, RouteSpec]:
    """The routes before any switch: a model that ended may stand first.

    :raises ConfigurationError: for a row that does not hold.
    """
    merged = dict(specs.routes())
    for name, row in conf().routes.items():
        with _named("ROUTES", name):
            merged[name] = specs.route_from({"name": name, **row}, base=merged.get(name))
    return MappingProxyType({name: spec for name, spec in merged.items() if spec.provider in conf().providers})


def models() -> dict[str, ModelSpec]:
    """The models of all configured providers by id; where two have one, the provider that it is named for."""
    found: dict[str, ModelSpec] = {}
    for alias in conf().providers:
        for name, spec in models_of(alias).items():
            if name not in found or catalog().get(name, spec).provider == alias:
                found[name] = spec
    return found


def model(alias: str, model_id: str) -> ModelSpec | None:
    """A model as one provider has it: its dates and prices may differ from another's."""
    return models_of(alias).get(model_id)


@cache
def models_of(alias: str) -> Mapping[str, ModelSpec]:
    """The models of one configured provider by id: those of its vendor, the site's rows, and its own over them.

    :raises ConfigurationError: for a row that does not hold.
    """
    row = conf().providers.get(alias, {})
    # A second alias of one module sells the same models: Azure beside OpenAI.
    vendor = str(row.get("BACKEND", "")).rpartition(".")[2]
    merged = {
        name: replace(spec, provider=alias) for name, spec in catalog().items() if spec.provider in (alias, vendor)
    }
    for name, own in row.get("MODELS", {}).items():
        with _named("PROVIDERS", alias, "MODELS", name):
            merged[name] = specs.model_from({"id": name, "provider": alias, **own}, base=merged.get(name))
    return MappingProxyType(merged)


@cache
def catalog() -> Mapping[str, ModelSpec]:
    """The shipped models with the site's rows over them by id, whether a provider here sells them or not."""
    merged = dict(specs.models())
    for name, row in conf().models.items():
        with _named("MODELS", name):
            merged[name] = specs.model_from({"id": name, **row}, base=merged.get(name))
    return MappingProxyType(merged)


@contextmanager
def _named(*path: str) -> Iterator[None]:
    """Says which row of the settings an error is about."""
    try:
        yield
    except (TypeError, ValueError, AttributeError) as error:
        where = "".join(f"[{part!r}]" for part in path)
        raise ConfigurationError(f"IMAGE_STUDIO{where}: {error}") from error


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
    unknown = set(row) - {"BACKEND", "OPTIONS", "MODELS"}
    if unknown:
        raise ConfigurationError(f"IMAGE_STUDIO['PROVIDERS'][{alias!r}] has unknown keys {specs.names(unknown)}.")
    try:
        return import_module(row["BACKEND"]).Provider(alias, **row.get("OPTIONS", {}))
    except (KeyError, ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError(f"IMAGE_STUDIO['PROVIDERS'][{alias!r}]: {error}") from error


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "IMAGE_STUDIO":
        for cached in (conf, provider, models_of, catalog, routes_as_written):
            cached.cache_clear()


setting_changed.connect(_forget, dispatch_uid="image_studio.conf")
