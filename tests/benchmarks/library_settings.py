"""The test site as it would be served: connections stay open, and no throttle ends a measurement."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, IMAGE_STUDIO

ROOT_URLCONF = "tests.benchmarks.library_site"
DATABASES["default"]["CONN_MAX_AGE"] = None
# The throttle still counts each request; the peers have none.
IMAGE_STUDIO = {**IMAGE_STUDIO, "API_RATES": {"read": "1000000/min"}}
