"""Files of one job on their way into storage, remembered so that they can be taken back.

A transaction that fails takes its rows back by itself; the files it spoke of must go by hand.
"""

from __future__ import annotations

from image_studio import storage


class Filing:
    """What one job wrote. Called from the pixel threads; appending to a list is atomic."""

    def __init__(self) -> None:
        self._written: list[tuple[bool, str]] = []

    def write(self, kind: str, extension: str, data: bytes, *, public: bool = False) -> str:
        """Store bytes under a fresh name and return it.

        :raises StorageFailed: ``storage.full`` or ``storage.write_failed``.
        """
        store = storage.public() if public else storage.private()
        name = storage.write(store, storage.fresh_name(kind, extension), data)
        self._written.append((public, name))
        return name

    def undo(self, names: frozenset[str] | None = None) -> None:
        """Delete what was written, or only ``names`` of it; what cannot be deleted the doctor lists."""
        for public, name in list(self._written):
            if names is None or name in names:
                storage.remove(storage.public() if public else storage.private(), name)
                self._written.remove((public, name))
