"""A small magazine that uses image_studio: SQLite, no key, no network. Everything it writes lies under ``var/``.

``EXAMPLE_VAR`` names another folder, so that a test never touches what you are looking at.
"""

import os
import secrets
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[1]
VAR = Path(os.environ.get("EXAMPLE_VAR") or BASE_DIR.parent / "var").resolve()
VAR.mkdir(parents=True, exist_ok=True)  # SQLite makes the file, never the folder

# An example has no secret to keep; a site that is reached by others sets its own and DEBUG = False.
SECRET_KEY = os.environ.get("EXAMPLE_SECRET_KEY") or secrets.token_urlsafe(50)
DEBUG = os.environ.get("EXAMPLE_DEBUG", "1") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework.authtoken",
    "image_studio",
    "magazine",
    "demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Web and worker write at the same time: a write takes its lock at once instead of failing half-way.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR / "db.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR / "media"

IMAGE_STUDIO = {
    "PICTURES": {
        "default": {"widths": [480, 960]},
        "hero": {"widths": [960, 1440, 1920], "sizes": "(min-width: 96rem) 96rem, 100vw"},
        "card": {"widths": [480, 960], "sizes": "(min-width: 62rem) 24rem, (min-width: 40rem) 45vw, 92vw"},
    },
    "API_DOCS": True,
}
