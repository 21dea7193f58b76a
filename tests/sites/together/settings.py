"""Both sites in one: django CMS with versioning, aliases, texts and filer, and Wagtail; all contribs side by side.

What the two say alike, they say once; what only one of them can have is decided here, as a site has to decide it.
"""

from tests.settings import databases_of
from tests.sites.djangocms.settings import *  # noqa: F403
from tests.sites.djangocms.settings import INSTALLED_APPS as CMS_APPS
from tests.sites.djangocms.settings import STATICFILES_DIRS as CMS_STATIC
from tests.sites.djangocms.settings import TEMPLATES as CMS_TEMPLATE_ENGINES
from tests.sites.wagtail.settings import IMAGE_STUDIO, WAGTAIL_SITE_NAME, WAGTAILADMIN_BASE_URL  # noqa: F401 - they are settings
from tests.sites.wagtail.settings import INSTALLED_APPS as WAGTAIL_APPS
from tests.sites.wagtail.settings import STATICFILES_DIRS as WAGTAIL_STATIC
from tests.sites.wagtail.settings import TEMPLATES as WAGTAIL_TEMPLATE_ENGINES

DATABASES = databases_of("together")
ROOT_URLCONF = "tests.sites.together.urls"

INSTALLED_APPS = ["wagtail.sites", *WAGTAIL_APPS, *(app for app in CMS_APPS if app not in WAGTAIL_APPS)]
# django CMS asks for more, and none of it is in Wagtail's way.
_folders = [folder for engine in (*CMS_TEMPLATE_ENGINES, *WAGTAIL_TEMPLATE_ENGINES) for folder in engine["DIRS"]]
TEMPLATES = [{**CMS_TEMPLATE_ENGINES[0], "DIRS": _folders}]
STATICFILES_DIRS = [*CMS_STATIC, *WAGTAIL_STATIC]
