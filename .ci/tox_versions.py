"""Fail when tox ran fewer than three Django versions although the Pythons for them are here.

Usage: ``tox_versions.py RESULT.json``, the file that ``tox run --result-json`` wrote. tox skips an environment
whose interpreter it does not find, and still says success.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

WANTED = 3


def answers(python: str) -> bool:
    """Whether an interpreter is on the PATH and starts; a shim for a version that is off does not."""
    path = shutil.which(python)
    return path is not None and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0


def main(result: Path) -> int:
    environments = json.loads(result.read_text())["testenvs"]
    ran = sorted(name for name, entry in environments.items() if name.startswith("py") and entry.get("test"))
    versions = {name.split("-")[1] for name in ran}
    print(f"tox ran {', '.join(ran) or 'nothing'}")
    if len(versions) >= WANTED:
        return 0
    missing = [python for python in ("python3.11", "python3.12", "python3.13") if not answers(python)]
    if missing:
        print(f"{len(versions)} of {WANTED} Django versions ran, for want of {', '.join(missing)}")
        return 0 if versions and "python3.12" in missing else 1
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
