"""A real Wagtail site. ``STUDIO_SITE_IMAGES=custom`` gives it an image model of its own."""

import os
from pathlib import Path

from tests.settings import *  # noqa: F403 - the same database, folders and languages
from tests.settings import INSTALLED_APPS as STUDIO_APPS
from tests.settings import MIDDLEWARE as STUDIO_MIDDLEWARE
from tests.settings import TEMPLATES as STUDIO_TEMPLATES
from tests.settings import databases_of

HERE = Path(__file__).resolve().parent
DATABASES = databases_of("wagtail")
ROOT_URLCONF = "tests.sites.wagtail.urls"
LANGUAGES = [("en", "English"), ("de", "German")]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
WAGTAIL_SITE_NAME = "House of Tea"
# A test's click on Publish would meet a save that is on its way, and Wagtail refuses one of the two.
WAGTAIL_AUTOSAVE_INTERVAL = 0
WAGTAILADMIN_BASE_URL = "http://localhost"

INSTALLED_APPS = [
    "tests.sites.wagtail.apps.SiteConfig",
    "wagtail.users",
    "wagtail.images",
    "wagtail.documents",
    "wagtail.snippets",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "image_studio.contrib.wagtail",
    *(app for app in STUDIO_APPS if app != "tests.testapp"),
]
MIDDLEWARE = [*STUDIO_MIDDLEWARE, "django.middleware.clickjacking.XFrameOptionsMiddleware"]
TEMPLATES = [{**STUDIO_TEMPLATES[0], "DIRS": [str(HERE / "templates")]}]
STATICFILES_DIRS = [str(HERE / "static")]
STATIC_URL = "/static/"

if os.environ.get("STUDIO_SITE_IMAGES") == "custom":
    WAGTAILIMAGES_IMAGE_MODEL = "wagtailsite.HousePhoto"
    IMAGE_STUDIO_WAGTAIL = {
        "FILL_IMAGE": "tests.sites.wagtail.models.fill",
        "IMAGE_FIELDS": {"licence": "credit"},
        "COLLECTIONS": {"acme": "House pictures"},
    }

IMAGE_STUDIO = {
    "DOORBELL": "inline",
    "PIXEL_THREADS": 1,
    "PICTURES": {
        "default": {"widths": [320, 640], "fallback": "site/withdrawn.png"},
        "hero": {"widths": [320, 640], "sizes": "100vw", "fallback": "site/withdrawn.png"},
    },
    # A paid provider that draws by itself: what it makes is generated, as far as the studio knows.
    "PROVIDERS": {
        "previs": {"BACKEND": "image_studio.providers.previs", "OPTIONS": {}},
        "fake": {"BACKEND": "image_studio.testing", "OPTIONS": {}},
    },
    "MODELS": {"fake-1": {"provider": "fake", "title": "Fake", "max_n": 8}},
    "ROUTES": {"fake": {"title": "Drawn here", "provider": "fake", "model": "fake-1"}},
}
