"""A clean start: everything a run of the demo leaves lies under ``var/``, under these names."""

import shutil
from pathlib import Path

from django.conf import settings
from django.db import connections

#: What the demo writes below ``var/``. Nothing else there is touched.
LEFT_BEHIND = (
    "db.sqlite3",
    "db.sqlite3-wal",
    "db.sqlite3-shm",
    "media",
    "image_studio_private",
    "contact-sheet",
    "contact-sheet.html",
    "contact-sheet.png",
    "product.jpg",
)


def start_clean() -> Path:
    """Remove what an earlier run left, and return the folder for this one."""
    connections.close_all()
    folder: Path = settings.VAR
    for name in LEFT_BEHIND:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
