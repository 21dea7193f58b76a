"""A second reader of metadata: Debian's ``libimage-exiftool-perl``."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

#: Skips where it is missing; CI installs it, and is to be red without.
needs_exiftool = pytest.mark.skipif(
    not shutil.which("exiftool") and not os.environ.get("CI"), reason="no exiftool: Debian's libimage-exiftool-perl"
)


def source_type(data: bytes, folder: Path) -> str:
    """The URI of the digital source type in a file, or an empty text."""
    path = folder / "read-by-exiftool"
    path.write_bytes(data)
    command = ["exiftool", "-n", "-s3", "-XMP-iptcExt:DigitalSourceType", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
