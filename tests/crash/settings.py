"""Settings of the workers that crash tests start: the test's own database, files and studio."""

import json
import os
from pathlib import Path

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

_folder = Path(os.environ["STUDIO_CRASH_FOLDER"])
DATABASES["default"]["NAME"] = os.environ["STUDIO_CRASH_DATABASE"]
MEDIA_ROOT = str(_folder / "media")
IMAGE_STUDIO = json.loads((_folder / "studio.json").read_text())
