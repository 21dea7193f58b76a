"""Moderation of a job's prompt and of its pictures, asked for beside the work.

It is a judgement and no gate of the machine: where it cannot be had the verdict says "not run", and the job goes on.
Only a prompt that is flagged stops a job, before anything is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from uuid import UUID

from image_studio import conf as configuration
from image_studio.brand.checks import Check, Subject, Verdict, run_checks
from image_studio.brand.checks.moderation import Moderation
from image_studio.brand.judged import Looked, Unjudged
from image_studio.providers.openai_moderation import Moderator, small_copy
from image_studio.runner.produce import Raw, Style
from image_studio.runner.rows import CellRows, EditRows, OutputRows, verdict_row
from image_studio.runner.work import ComposeWork, Halt, PictureWork

_log = logging.getLogger("image_studio.runner")

#: Seconds for both tries of one question. A job waits for its prompt's; a picture is looked at while it is composed.
PROMPT_SECONDS, PICTURE_SECONDS = 10.0, 20.0


class Eye:
    """What moderation says of one job's prompt and pictures."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._order: PictureWork | None = None
        self._asked: dict[int, Future[Looked] | Looked] = {}

    async def read(self, order: PictureWork) -> PictureWork:
        """Have the prompt looked at, before anything is sent.

        :raises Halt: ``moderation.prompt_flagged`` where the kit counts that as a failure.
        """
        if not order.request.prompt.strip() or not order.spec.takes_instruction or not _wanted(order):
            return order
        looked = await _careful(_of_prompt(order.request.prompt))
        for verdict in _verdicts(order.style, {"prompt": looked}):
            if verdict.verdict == "fail":
                told = {key: verdict.params[key] for key in ("model", "categories")}
                raise Halt("blocked", "moderation.prompt_flagged", **told)
        return replace(order, looked={"prompt": looked})

    def open(self, order: PictureWork) -> None:
        """Look at the pictures of this order from now on."""
        self._order = order

    def see(self, index: int, raw: Raw) -> None:
        """A picture was decoded: have it looked at while it is composed. Called in a pixel thread; never raises."""
        if index in self._asked or self._order is None or not _wanted(self._order):
            return
        try:
            data = small_copy(raw.image)
        except Exception as error:  # noqa: BLE001 - a judgement that cannot be had must not cost the picture
            self._asked[index] = _broken("no_copy", error)
        else:
            self._asked[index] = asyncio.run_coroutine_threadsafe(_careful(_of_picture(data)), self._loop)

    async def judged(self, made: Sequence[OutputRows]) -> list[OutputRows]:
        """The pictures with what was said of them, each time on the raw picture and on all that is made of it."""
        return [_with(one, await self._verdicts(one)) for one in made]

    async def _verdicts(self, made: OutputRows) -> Sequence[Verdict]:
        order = self._order
        if order is None or made.asset is None or order.style.moderation is None:
            return ()
        looked: dict[str, Looked] = dict(order.looked)
        asked = self._asked.get(made.index if made.index is not None else -1)
        if asked is not None:
            looked["picture"] = await asyncio.wrap_future(asked) if isinstance(asked, Future) else asked
        elif not order.spec.publishable:
            looked["picture"] = Unjudged(code="moderation.stand_in")
        return _verdicts(order.style, looked)

    def shut(self) -> None:
        """The job is over, or given up: nobody waits for an answer any more."""
        for asked in self._asked.values():
            if isinstance(asked, Future):
                asked.cancel()


def copied(made: OutputRows, order: ComposeWork, raw: UUID) -> OutputRows:
    """Cells that are composed anew, with what was said of their picture's bytes when it was made."""
    looked = order.looked.get(raw)
    if looked is None and order.style.moderation is None:
        return made
    return _with(made, _verdicts(order.style, looked or {"picture": Unjudged(code="moderation.not_then")}))


def _wanted(order: PictureWork) -> bool:
    """Whether anybody is asked at all: not where the site or the kit turned it off, and not about a stand-in."""
    style = order.style
    on = configuration.conf().moderation != "off" and style.moderation is not None
    return on and order.spec.publishable and style.kit.check(Moderation.name).severity != "off"


def _verdicts(style: Style, looked: Mapping[str, Looked]) -> tuple[Verdict, ...]:
    checks: list[Check] = [style.moderation or Moderation()]
    return run_checks(checks, Subject(kit=style.kit, looked=looked))


def _with(made: OutputRows, verdicts: Sequence[Verdict]) -> OutputRows:
    cells = tuple(_cell_with(cell, verdicts) for cell in made.cells)
    own = tuple(verdict_row(made.asset, verdict) for verdict in verdicts) if made.asset else ()
    return replace(made, cells=cells, verdicts=own, edit=_edit_with(made.edit, verdicts))


def _edit_with(edit: EditRows | None, verdicts: Sequence[Verdict]) -> EditRows | None:
    """The pasted picture shows what the answer shows, so what was said of that counts for it too."""
    if edit is None or edit.asset is None:
        return edit
    return replace(edit, verdicts=(*edit.verdicts, *(verdict_row(edit.asset, verdict) for verdict in verdicts)))


def _cell_with(cell: CellRows, verdicts: Sequence[Verdict]) -> CellRows:
    if cell.asset is None:
        return cell
    return replace(cell, verdicts=(*cell.verdicts, *(verdict_row(cell.asset, verdict) for verdict in verdicts)))


# Asking ------------------------------------------------------------------------------------------------------------


async def _of_prompt(text: str) -> Looked:
    found = _moderator()
    return found if isinstance(found, Unjudged) else await found.prompt(text, deadline=PROMPT_SECONDS)


async def _of_picture(data: bytes) -> Looked:
    found = _moderator()
    return found if isinstance(found, Unjudged) else await found.picture(data, deadline=PICTURE_SECONDS)


def _moderator() -> Moderator | Unjudged:
    alias = configuration.conf().moderation
    found = Moderator.of(configuration.provider(alias))
    return found or Unjudged(code="moderation.no_endpoint", params={"alias": alias})


async def _careful(asked: Awaitable[Looked]) -> Looked:
    """Whatever breaks, a job goes on without."""
    try:
        return await asked
    except Exception as error:  # noqa: BLE001 - a judgement that cannot be had must not cost the picture
        return _broken("broken", error)


def _broken(why: str, error: Exception) -> Unjudged:
    _log.exception("moderation broke", extra={"action": f"moderation.{why}"})
    return Unjudged(code=f"moderation.{why}", params={"reason": type(error).__name__})
