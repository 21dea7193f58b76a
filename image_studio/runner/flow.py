"""The travel of one job, from its lease to its end. Calls and waits here; the pixels and the rows are elsewhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError

from image_studio import storage
from image_studio.conf import conf
from image_studio.exceptions import Conflict
from image_studio.models import uuid7
from image_studio.providers.base import Answer
from image_studio.runner import answers, leases, marks, outcomes, rendering, saving, sending, sweep, work
from image_studio.runner.answers import StoredAnswer
from image_studio.runner.batching import Batches, no_pause
from image_studio.runner.early import Early, asked
from image_studio.runner.filing import Filing
from image_studio.runner.leases import Fenced, Lease
from image_studio.runner.moderating import Eye, copied
from image_studio.runner.outcomes import Decision
from image_studio.runner.rows import OutputRows
from image_studio.runner.saving import Stale
from image_studio.runner.work import ComposeWork, Halt, PictureWork, Work
from image_studio.states import JOB_ENDED

_log = logging.getLogger("image_studio.runner")
T = TypeVar("T")

#: Seconds that a call may run over its deadline before it is given up from outside.
OVERTIME = 1.5
#: How often cells are composed anew because the set's words changed meanwhile.
FRESH_STARTS = 5


@dataclass(frozen=True, kw_only=True)
class Hands:
    """What a job's travel is given by its worker.

    :param rows: runs a function where the database is, one transaction a call.
    :param pixels: runs a function in the pixel threads.
    :param stopping: whether the worker takes no new work.
    :param pause: waits a moment while jobs are in the pixel threads, which will want something written soon.
    """

    rows: Callable[..., Awaitable[Any]]
    pixels: Callable[..., Awaitable[Any]]
    stopping: Callable[[], bool]
    pause: Callable[[], Awaitable[None]] = no_pause

    @cached_property
    def batches(self) -> Batches:
        """What many jobs have read and written together."""
        return Batches(self.rows, self.pause)


async def travel(hands: Hands, lease: Lease) -> bool:
    """Bring one job to an end, or leave it so that somebody else can. True when it ended here."""
    run = {"picture": _picture, "compose": _compose, "render": _render}[lease.kind]
    try:
        ended = await run(hands, lease)
    except Fenced:
        _log.warning("lease lost", extra={"action": "job.fenced", "job": str(lease.job_id)})
        return False
    except (OperationalError, InterfaceError):
        # Nothing can be written now. The lease runs out, and the sweep finds the job.
        _log.exception("database away", extra={"action": "job.database_away", "job": str(lease.job_id)})
        return False
    except Exception as error:  # noqa: BLE001 - a defect of ours: the job must not come back with every sweep
        _log.exception("job crashed", extra={"action": "job.crashed", "job": str(lease.job_id)})
        ended = await hands.rows(marks.crashed, lease, error)
    return ended


# Pictures ----------------------------------------------------------------------------------------------------------


async def _picture(hands: Hands, lease: Lease) -> bool:
    early, eye = Early(rows=hands.rows, pixels=hands.pixels), Eye()
    try:
        return await _bring(hands, lease, early, eye)
    finally:
        eye.shut()
        await early.clear()


async def _bring(hands: Hands, lease: Lease, early: Early, eye: Eye) -> bool:
    try:
        order: PictureWork = await hands.batches.read(lease)
    except Halt as halt:
        return await _halt(hands, lease, halt)
    except Exception as error:  # noqa: BLE001 - decided by the table; nothing was sent
        return await _decide(hands, lease, _unsent(lease, error))
    early.adopt(order.job.partials)
    if lease.state == "spooled" and lease.saves > sweep.MOST_LOSSES:
        return await _decide(hands, lease, Decision(to="failed", code="job.kills_workers"))
    if order.answer:
        taken = order if lease.state == "spooled" else await _answered(hands, order, order.answer)
        return await _save(hands, taken, eye)
    try:
        order = await eye.read(order)
    except Halt as halt:
        return await _halt(hands, lease, halt)
    bought = await _buy(hands, order, early)
    return bought if isinstance(bought, bool) else await _save(hands, bought, eye)


async def _buy(hands: Hands, order: PictureWork, early: Early) -> PictureWork | bool:
    """Make the call. Without an answer: whether the job ended."""
    attempt = uuid7()
    try:
        provider = work.provider_of(order.job)
        inputs = await hands.pixels(sending.inputs, order.sources)
        work.judge_weights(order.spec, inputs)
        told = (order.job.pk, order.job.brand_id, order.request.to_dict(), order.looked)
        payer = order.job.hold_user or str(order.job.requested_by_id or "")
        folder = await hands.pixels(partial(answers.order, attempt, *told, provider=order.job.provider, user=payer))
    except Exception as error:  # noqa: BLE001 - decided by the table; nothing was sent
        return await _decide(hands, order.lease, _unsent(order.lease, error))
    if hands.stopping():
        await hands.pixels(storage.Spool().drop, str(attempt))
        await hands.rows(leases.release, order.lease)
        return False
    sent = await _sending(hands, order, attempt)
    if isinstance(sent, bool):
        return sent
    order = sent
    deadline = conf().deadline_seconds
    glimpse = early.listen(order.lease, order.request.n)
    try:
        async with asyncio.timeout(deadline + OVERTIME):
            answer = await provider.run(asked(order), inputs, spool=folder, deadline=deadline, on_partial=glimpse)
        early.stop()
        stored = await hands.pixels(answers.keep, attempt, order.job.pk, order.request.n, _checked(answer))
    except Exception as error:  # noqa: BLE001 - decided by the table
        return await _unanswered(hands, order, attempt, error)
    return await _answered(hands, order, stored)


async def _sending(hands: Hands, order: PictureWork, attempt: UUID) -> PictureWork | bool:
    """Commit that the call is made. Without leave to spend: whether the job ended."""
    try:
        return replace(order, lease=await hands.batches.sending(order.lease, order, attempt))
    except Fenced:
        await hands.pixels(storage.Spool().drop, str(attempt))
        raise
    except Conflict as error:
        await hands.pixels(storage.Spool().drop, str(attempt))
        if error.code == "spending.stopped":
            # It waits: nothing of its kind is claimed until somebody lets money be spent again.
            await hands.rows(leases.release, order.lease)
            return False
        return await _halt(hands, order.lease, Halt("failed", error.code, **error.params))


async def _unanswered(hands: Hands, order: PictureWork, attempt: UUID, error: Exception) -> bool:
    decision = outcomes.while_sending(error, made=order.lease.calls + 1, repeatable=order.repeatable)
    ended = await _decide(hands, order.lease, decision, error, attempt)
    if decision.attempt != "unknown":
        await hands.pixels(storage.Spool().drop, str(attempt))
    return ended


async def _answered(hands: Hands, order: PictureWork, answer: StoredAnswer) -> PictureWork:
    """From here on the answer is adopted by whoever comes, should this worker lose the lease."""
    return replace(order, answer=answer, lease=await hands.batches.answered(order.lease, order.job, answer))


def _checked(answer: Any) -> Answer:
    if not isinstance(answer, Answer):
        raise TypeError("a provider must return an Answer")
    return answer


async def _save(hands: Hands, order: PictureWork, eye: Eye) -> bool:
    """Store an answer that lies in the spool."""
    answer = order.answer
    if answer is None:
        raise ValueError("there is no answer to store")
    for _start in range(FRESH_STARTS):
        filing = Filing()
        eye.open(order)
        try:
            calls = [partial(saving.output, k, order, answer, filing, eye.see) for k in answer.outputs]
            await _finish(hands, order, await eye.judged(await _together(hands, calls)), filing)
        except Stale:
            await hands.pixels(filing.undo)
            order = replace(await hands.batches.read(order.lease), answer=answer)
            continue
        except Fenced:
            await hands.pixels(filing.undo)
            raise
        except (OperationalError, InterfaceError):
            # Nobody knows whether the rows were committed: the files stay, and the doctor finds what none speaks of.
            raise
        except Exception as error:  # noqa: BLE001 - decided by the table; the answer stays in the spool
            await hands.pixels(filing.undo)
            saves = outcomes.while_saving(error, made=order.lease.saves + 1, repeatable=order.repeatable)
            return await _decide(hands, order.lease, saves, error)
        await hands.pixels(storage.Spool().drop, str(answer.attempt))
        return True
    return await _decide(hands, order.lease, Decision(to="failed", code="job.never_still"))


async def _finish(hands: Hands, order: Work, made: list[OutputRows], filing: Filing) -> None:
    unused = await hands.batches.finish(order, made)
    if unused:
        await hands.pixels(filing.undo, unused)


async def _together(hands: Hands, calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run all in the pixel threads. Waits for every one, so that no thread still writes when files are taken back."""
    results = await asyncio.gather(*(hands.pixels(call) for call in calls), return_exceptions=True)
    broken = [result for result in results if isinstance(result, BaseException)]
    if broken:
        raise broken[0]
    return [result for result in results if not isinstance(result, BaseException)]


# Local work --------------------------------------------------------------------------------------------------------


async def _compose(hands: Hands, lease: Lease) -> bool:
    try:
        order: ComposeWork = await hands.rows(work.compose_work, lease)
    except Halt as halt:
        return await _halt(hands, lease, halt)
    except Exception as error:  # noqa: BLE001 - decided by the table
        return await _decide(hands, lease, _unsent(lease, error))
    return await _local(hands, order.lease, partial(_recompose, hands, order))


async def _recompose(hands: Hands, order: ComposeWork, filing: Filing) -> None:
    shown = [order.raws[pk] for pk in order.cells]
    rows = await _together(hands, [partial(saving.recomposed, asset, order, filing) for asset in shown])
    made = [copied(one, order, asset.pk) for one, asset in zip(rows, shown, strict=True)]
    await _finish(hands, order, [*made, saving.missing(order)], filing)


async def _render(hands: Hands, lease: Lease) -> bool:
    try:
        order = await hands.rows(rendering.render_work, lease)
    except Halt as halt:
        return await _halt(hands, lease, halt)
    return await _local(hands, lease, partial(_publish, hands, order))


async def _publish(hands: Hands, order: rendering.RenderWork, filing: Filing) -> None:
    rows = await hands.pixels(rendering.files, order, filing)
    await hands.rows(rendering.publish, order, rows)


async def _local(hands: Hands, lease: Lease, run: Callable[[Filing], Awaitable[None]]) -> bool:
    """Work that no provider answers. Whatever surely stops it, the files it wrote are taken back."""
    filing = Filing()
    try:
        await run(filing)
    except Halt as halt:
        await hands.pixels(filing.undo)
        return await _halt(hands, lease, halt)
    except Fenced:
        await hands.pixels(filing.undo)
        raise
    except (OperationalError, InterfaceError):
        # As above: the rows may be there.
        raise
    except Exception as error:  # noqa: BLE001 - decided by the table
        await hands.pixels(filing.undo)
        return await _decide(hands, lease, _unsent(lease, error))
    return True


# Ends --------------------------------------------------------------------------------------------------------------


async def _halt(hands: Hands, lease: Lease, halt: Halt) -> bool:
    _log.info("job halted", extra={"action": f"job.{halt.to}", "job": str(lease.job_id), "code": halt.code})
    await hands.rows(marks.halted, lease, halt)
    return True


def _unsent(lease: Lease, error: Exception) -> Decision:
    if isinstance(error, (Fenced, OperationalError, InterfaceError)):
        raise error
    decision = (
        outcomes.while_saving(error, made=lease.saves + 1, repeatable=False)
        if lease.state == "spooled"
        else outcomes.before_sending(error, made=lease.calls + 1)
    )
    _tell(lease, decision, error)
    return decision


async def _decide(
    hands: Hands, lease: Lease, decision: Decision, error: Exception | None = None, attempt: UUID | None = None
) -> bool:
    if error is not None:
        _tell(lease, decision, error)
    moved: Lease = await hands.rows(marks.decided, lease, decision, attempt)
    return moved.state in JOB_ENDED


def _tell(lease: Lease, decision: Decision, error: BaseException) -> None:
    """One line in the log; a traceback only for what nobody foresaw."""
    _log.warning(
        "job %s: %s",
        decision.to,
        decision.code,
        extra={"action": f"job.{decision.to}", "job": str(lease.job_id), "code": decision.code},
        exc_info=None if outcomes.expected(error) else error,
    )
