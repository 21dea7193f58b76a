"""System checks: ``manage.py check`` is the installer. Each has an id, and a hint that is the fix.

``E`` the site does not work, ``W`` it works less well or less safely than it looks, ``I`` something is merely
missing. What reads settings never raises here: a broken setting is itself a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.staticfiles.finders import find
from django.core import checks
from django.core.checks import CheckMessage, Error, Info, Warning  # noqa: A004
from django.core.files.storage import FileSystemStorage
from django.core.validators import slug_re
from django.db import connections, router
from django.urls import NoReverseMatch, reverse
from PIL import features

from image_studio import conf as site
from image_studio import storage
from image_studio.brand.checks import InvalidCheck, load
from image_studio.conf import ConfigurationError
from image_studio.models import Job
from image_studio.policy import Policy
from image_studio.providers.openai_moderation import Moderator
from image_studio.wording import explain_error
from image_studio.workflow.lifecycle import RouteUse, Use, uses
from image_studio.workflow.showing import is_id

TAG = "image_studio"


def register() -> None:
    """Called once the apps are loaded."""
    for check in (check_settings, check_files, check_databases, check_routes, check_addresses, check_libraries):
        checks.register(check, TAG)
    checks.register(check_ending_models, TAG)
    checks.register(check_fallbacks, TAG)
    # Not under our tag: whoever asks for that does not say that the database may be asked.
    checks.register(check_waiting_work, checks.Tags.database)


def check_settings(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001 a setting, E002 a provider, E003 a brand check that does not hold or load, W010 a provider without a key."""
    try:
        found = site.conf()
        _ = found.widths
    except ConfigurationError as error:
        return [Error(str(error), hint="Mend IMAGE_STUDIO in the settings.", id="image_studio.E001")]
    return [*_providers(found), *_moderation(found), *_brand_checks(found)]


def _providers(found: site.Settings) -> Iterator[CheckMessage]:
    for alias in found.providers:
        try:
            keyed = getattr(site.provider(alias), "has_key", True)
        except ConfigurationError as error:
            yield Error(str(error), hint="Mend BACKEND or OPTIONS of this provider.", id="image_studio.E002")
            continue
        if not keyed:
            yield Warning(
                f"The provider {alias} has no key: every order for it is refused.",
                hint="Set its environment variable (OPENAI_API_KEY, or what key_env names), or api_key in its OPTIONS.",
                id="image_studio.W010",
            )


def _moderation(found: site.Settings) -> Iterator[CheckMessage]:
    if found.moderation == "off":
        return
    try:
        able = Moderator.of(site.provider(found.moderation))
    except ConfigurationError:
        return  # E002 has said so
    if able is None:
        yield Warning(
            f"IMAGE_STUDIO['MODERATION'] is {found.moderation!r}, which has no moderation: it never runs.",
            hint="Name a provider whose BACKEND is image_studio.providers.openai, Azure's excepted, or 'off'.",
            id="image_studio.W013",
        )


def _brand_checks(found: site.Settings) -> Iterator[CheckMessage]:
    try:
        load(found.brand_checks)
    except InvalidCheck as error:
        yield Error(explain_error(error), hint="Mend IMAGE_STUDIO['BRAND_CHECKS'].", id="image_studio.E003")


def _holds() -> bool:
    """Whether the settings can be read at all; if not, E001 has said so."""
    try:
        site.conf()
    except ConfigurationError:
        return False
    return True


def check_files(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E004 a storage alias that is not there, W001 private files that are served, W002 no place for public ones."""
    if not _holds():
        return []
    return [*_private_files(), *_public_files()]


def _private_files() -> Iterator[CheckMessage]:
    try:
        private = storage.private()
    except ConfigurationError as error:
        yield Error(str(error), hint="Name an alias of STORAGES.", id="image_studio.E004")
        return
    if not isinstance(private, FileSystemStorage):
        return
    served = [Path(root).resolve() for root in (settings.MEDIA_ROOT, settings.STATIC_ROOT) if root]
    place = Path(private.location).resolve()
    if any(place == root or root in place.parents for root in served):
        yield Warning(
            f"Private pictures lie in {place}, which is served to everybody.",
            hint="Set IMAGE_STUDIO['PRIVATE_ROOT'] to a folder beside MEDIA_ROOT, or leave it out.",
            id="image_studio.W001",
        )


def _public_files() -> Iterator[CheckMessage]:
    try:
        public = storage.public()
    except ConfigurationError as error:
        yield Error(str(error), hint="Name an alias of STORAGES.", id="image_studio.E004")
        return
    if not isinstance(public, FileSystemStorage):
        return
    # An empty MEDIA_URL arrives here as the site's root, which no media can be.
    if not public.base_location or public.base_url in (None, "", "/"):
        yield Warning(
            "Published pictures have nowhere to go: MEDIA_ROOT or MEDIA_URL is empty.",
            hint="Set MEDIA_ROOT and MEDIA_URL, or IMAGE_STUDIO['PUBLIC_STORAGE'] to an alias of STORAGES.",
            id="image_studio.W002",
        )


def check_databases(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W003 SQLite that locks under two writers, W004 a doorbell that this database cannot ring."""
    row: dict[str, Any] = settings.DATABASES.get("default", {})
    engine, options = row.get("ENGINE", ""), row.get("OPTIONS", {})
    found: list[CheckMessage] = []
    if engine.endswith("sqlite3") and str(options.get("transaction_mode", "")).upper() != "IMMEDIATE":
        found.append(
            Warning(
                "SQLite without immediate transactions: a worker and a page that write at once fail with "
                "“database is locked”.",
                hint="Add OPTIONS = {'transaction_mode': 'IMMEDIATE', 'timeout': 20} to DATABASES['default'].",
                id="image_studio.W003",
            )
        )
    if _holds() and site.conf().doorbell == "notify" and "postgresql" not in engine:
        found.append(
            Warning(
                "IMAGE_STUDIO['DOORBELL'] is 'notify', which only PostgreSQL has: workers will poll.",
                hint="Set DOORBELL to 'poll', or use PostgreSQL with psycopg 3.",
                id="image_studio.W004",
            )
        )
    return found


def check_routes(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W005 a route whose model this site does not have, W006 a route whose provider it does not have."""
    if not _holds():
        return []
    try:
        routes = site.routes_as_written()
        lost = [(r, s.model) for r in routes.values() for s in r.steps if site.model(r.provider, s.model) is None]
    except ConfigurationError as error:
        return [Error(str(error), hint="Mend IMAGE_STUDIO in the settings.", id="image_studio.E001")]
    found: list[CheckMessage] = [
        Warning(
            f"The route {route.name!r} names the model {model!r}, which {route.provider!r} does not have.",
            hint="Add the model to IMAGE_STUDIO['MODELS'], or mend the route.",
            id="image_studio.W005",
        )
        for route, model in lost
    ]
    return found + [
        Warning(
            f"The route {name!r} is left out: its provider is not configured.",
            hint="Add the provider to IMAGE_STUDIO['PROVIDERS'], or take the route away.",
            id="image_studio.W006",
        )
        for name in site.conf().routes
        if name not in routes
    ]


def check_ending_models(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """I003, W011 and E008: a route whose model ends, the louder the nearer; quieter where another follows by itself."""
    if not _holds():
        return []
    try:
        found = uses(Policy.operator(), jobs=False)
    except ConfigurationError:
        # check_routes has said so.
        return []
    return [_ending(use, one) for use in found for one in use.routes]


def _ending(use: Use, one: RouteUse) -> CheckMessage:
    when = f"ended on {use.on}" if use.days < 0 else f"ends on {use.on}, in {use.days} days"
    then = f"then {one.follower.id} follows by itself" if one.follower else "and no model follows it"
    words = f"The route {one.route.name!r} uses {use.spec.id!r}, which {when}, {then}."
    move = f"manage.py studio_models --from {use.spec.id} --to MODEL"
    hint = f"{move} shows both prices and the settings to change; see docs/lifecycle.md."
    if one.follower:
        if use.notice > 7:
            return Info(words, hint=hint, id="image_studio.I003")
        return Warning(words, hint=hint, id="image_studio.W011")
    if use.notice > 30:
        return Info(words, hint=hint, id="image_studio.I003")
    if use.notice > 7:
        return Warning(words, hint=hint, id="image_studio.W011")
    return Error(words, hint=hint, id="image_studio.E008")


def check_waiting_work(
    *, app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """W012 work that waits for a model that ends within 30 days, or has ended."""
    alias = router.db_for_read(Job)
    if alias not in (databases or ()) or not _holds():
        return []
    if Job._meta.db_table not in connections[alias].introspection.table_names():
        # Before the first migrate.
        return []
    try:
        found = [use for use in uses(Policy.operator()) if use.jobs and use.close]
    except ConfigurationError:
        return []
    return [
        Warning(
            f"Jobs that wait for {use.spec.id!r}: {use.jobs}. Its last day is {use.on}; past it they fail unsent.",
            hint="Run manage.py studio_worker before that day, or order them anew on another route.",
            id="image_studio.W012",
        )
        for use in found
    ]


def check_addresses(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W007 the studio's URLs are not included, I001 no admin to work in."""
    found: list[CheckMessage] = []
    try:
        reverse("image_studio:picture", args=["00000000-0000-7000-8000-000000000000", "preview"])
    except NoReverseMatch:
        found.append(
            Warning(
                "The studio's addresses are not in the URL configuration: editors see no previews on the site's pages.",
                hint="Add path('studio/', include('image_studio.urls')) to the root URL configuration.",
                id="image_studio.W007",
            )
        )
    if not apps.is_installed("django.contrib.admin"):
        found.append(
            Info(
                "django.contrib.admin is not installed: the studio's pages are part of it.",
                hint="Add it to INSTALLED_APPS, or work with the commands alone.",
                id="image_studio.I001",
            )
        )
    return found


def check_libraries(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """I002 text is shaped without Raqm, W008 a public format that this Pillow cannot write."""
    found: list[CheckMessage] = []
    if not features.check("raqm"):
        found.append(
            Info(
                "Pillow has no Raqm here: Arabic is shaped by python-bidi and arabic-reshaper, Indic scripts are not.",
                hint="Install the system's libfribidi (Debian: libfribidi0).",
                id="image_studio.I002",
            )
        )
    wanted = site.conf().rendition_formats if _holds() else ()
    return found + [
        Warning(
            f"Pillow cannot write {name.upper()} here: published pictures go out without it.",
            hint="Install a Pillow wheel with it, or take it out of IMAGE_STUDIO['RENDITION_FORMATS'].",
            id="image_studio.W008",
        )
        for name in wanted
        if name in ("avif", "webp") and not features.check(name)
    ]


def check_fallbacks(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W016 a named use falls back on a static file that is not there; a picture's id is for the page to judge."""
    if not _holds() or not apps.is_installed("django.contrib.staticfiles"):
        return []
    paths = {name: site.conf().picture(name).fallback for name in site.conf().pictures}
    return [
        Warning(
            f"IMAGE_STUDIO['PICTURES'][{name!r}] falls back on {path!r}, which no app has among its static files.",
            hint="Mend the path, or put the file into a folder that findstatic looks in.",
            id="image_studio.W016",
        )
        for name, path in paths.items()
        if path and not is_id(path) and not find(path)
    ]


def check_field(field: Any) -> list[CheckMessage]:
    """E005 to E007 and W009: a field that takes pictures. Called by the field, so also where the app is missing."""
    return [*_installed(field), *_slugs(field), *_emptiness(field), *_constraint(field)]


def _installed(field: Any) -> Iterator[CheckMessage]:
    if not apps.is_installed("image_studio"):
        yield Error(
            "AssetForeignKey points at image_studio, which is not installed.",
            hint="Add 'image_studio' to INSTALLED_APPS, and run migrate.",
            obj=field,
            id="image_studio.E005",
        )


def _slugs(field: Any) -> Iterator[CheckMessage]:
    for name in ("brand", "channel"):
        given = getattr(field, name)
        if given and not (isinstance(given, str) and slug_re.match(given)):
            yield Error(
                f"{name}={given!r} is no slug.",
                hint=f"Give the short name of the {name} as a string, for example {name}='acme'.",
                obj=field,
                id="image_studio.E006",
            )


def _emptiness(field: Any) -> Iterator[CheckMessage]:
    if field.blank and not field.null:
        yield Error(
            "A form may leave this picture out (blank=True), but its column cannot (null=False).",
            hint="Set null=True as well, or take blank=True away.",
            obj=field,
            id="image_studio.E007",
        )


def _constraint(field: Any) -> Iterator[CheckMessage]:
    if not field.db_constraint:
        yield Warning(
            "Without its constraint (db_constraint=False) the database lets a picture go that a page uses.",
            hint="Take db_constraint=False away, unless the pictures lie in another database.",
            obj=field,
            id="image_studio.W009",
        )
