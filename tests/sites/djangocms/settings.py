"""A real django CMS site: versioning, aliases, texts and filer, and the studio inside it."""

from pathlib import Path

from tests.settings import *  # noqa: F403 - the same database, folders and languages
from tests.settings import INSTALLED_APPS as STUDIO_APPS
from tests.settings import MIDDLEWARE as STUDIO_MIDDLEWARE
from tests.settings import databases_of

HERE = Path(__file__).resolve().parent
SITE_ID = 1
DATABASES = databases_of("djangocms")
ROOT_URLCONF = "tests.sites.djangocms.urls"
CMS_CONFIRM_VERSION4 = True
LANGUAGES = [("en", "English"), ("de", "German")]
CMS_LANGUAGES = {1: [{"code": "en", "name": "English"}, {"code": "de", "name": "German"}]}
CMS_TEMPLATES = [("page.html", "Page")]
X_FRAME_OPTIONS = "SAMEORIGIN"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "image_studio",
    *(app for app in STUDIO_APPS if app not in ("image_studio", "tests.testapp")),
    "django.contrib.sites",
    "cms",
    "menus",
    "treebeard",
    "sekizai",
    "parler",
    "easy_thumbnails",
    "filer",
    "djangocms_text",
    "djangocms_versioning",
    "djangocms_alias",
    "image_studio.contrib.filer",
    "image_studio.contrib.djangocms",
    "tests.sites.djangocms.teasers",
]
MIDDLEWARE = [
    "cms.middleware.utils.ApphookReloadMiddleware",
    *STUDIO_MIDDLEWARE,
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cms.middleware.user.CurrentUserMiddleware",
    "cms.middleware.page.CurrentPageMiddleware",
    "cms.middleware.toolbar.ToolbarMiddleware",
    "cms.middleware.language.LanguageCookieMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [str(HERE / "templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sekizai.context_processors.sekizai",
                "cms.context_processors.cms_settings",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [str(HERE / "static")]
THUMBNAIL_PROCESSORS = (
    "easy_thumbnails.processors.colorspace",
    "easy_thumbnails.processors.autocrop",
    "filer.thumbnail_processors.scale_and_crop_with_subject_location",
    "easy_thumbnails.processors.filters",
)
IMAGE_STUDIO = {
    "DOORBELL": "inline",
    "PIXEL_THREADS": 1,
    "PICTURES": {
        "default": {"widths": [320, 640], "fallback": "site/withdrawn.svg"},
        "hero": {"widths": [640, 1280], "sizes": "100vw", "fallback": "site/withdrawn.svg"},
    },
}
IMAGE_STUDIO_FILER = {"FOLDERS": {"acme": "Brands/Acme"}}
