"""Storage on a disk that fills up."""

from __future__ import annotations

import errno
import os
from typing import Any, ClassVar

from django.core.files.storage import FileSystemStorage


class FullDisk(FileSystemStorage):
    """Takes ``room`` more files, then says that the disk is full. The count is the class's: set it in the test."""

    room: ClassVar[int] = 0

    def _save(self, name: str, content: Any) -> str:
        if type(self).room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        type(self).room -= 1
        return super()._save(name, content)
