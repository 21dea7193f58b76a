"""A paid provider in whose calls the worker dies, as far as a process that lives on can show it.

What is done next is said by attributes of the class, so that a test can change its mind from call to call.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from image_studio.providers.base import Answer, Input, PictureRequest
from image_studio.runner import answers
from image_studio.runner.worker import Worker
from image_studio.testing import ScriptedProvider

#: What a dead worker leaves on the disk: no call at all, a call and nothing of it, its pictures, its whole answer.
LEAVES = ("no call", "nothing", "pictures", "answer")


class Provider(ScriptedProvider):
    """:param word: of the script, for the next calls.
    :param leaves: one of :data:`LEAVES`, where the worker is to die; else empty.
    :param worker: the one that dies.
    """

    word: ClassVar[str] = "ok"
    leaves: ClassVar[str] = ""
    worker: ClassVar[Worker | None] = None

    def _entry(self, number: int) -> str:
        return "ok" if self.leaves else self.word

    async def run(self, request: PictureRequest, inputs: tuple[Input, ...], *, spool: Path, **told: Any) -> Answer:
        if not self.leaves:
            return await super().run(request, inputs, spool=spool, **told)
        if self.leaves != "no call":
            self._enter(request, inputs)
        if self.leaves in ("pictures", "answer"):
            answer = self.answer(request, [self.output(request, spool, index) for index in range(request.n)])
            if self.leaves == "answer":
                answers.keep(UUID(spool.name), UUID(answers.ordered(spool.name)["job"]), request.n, answer)
        assert self.worker is not None
        self.worker.stop()
        self.worker.stop()
        await asyncio.sleep(60)
        raise AssertionError("nothing runs after death")
