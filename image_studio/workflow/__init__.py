"""Every verb that a person or an API client can say, once.

Admin, API and commands call these functions and nothing else, so they can never disagree. Each takes the
:class:`~image_studio.policy.Policy` of who speaks, checks the right, writes the change and its event in one
transaction, and rings the doorbell or sends the signal after the commit.
"""

from image_studio.workflow.archive import Archive, archive
from image_studio.workflow.cells import cancel, cancel_cell, recompose, retry, retry_cell
from image_studio.workflow.finish import Finish, finish, finishes
from image_studio.workflow.home import Home, home
from image_studio.workflow.jobs import cancel_job, retry_job
from image_studio.workflow.kits import export_kit, import_kit, save_kit
from image_studio.workflow.library import Ingested, ServedFile, describe, file_for, ingest
from image_studio.workflow.once import Once, once, replayed
from image_studio.workflow.partials import partial_for
from image_studio.workflow.plan import Matrix, PlannedCell, PlannedJob
from image_studio.workflow.preview import Preview, RouteCard, preview, route_cards
from image_studio.workflow.prompts import (
    FilledPrompt,
    add_version,
    edit_prompt,
    fill_prompt,
    prompt_of_words,
    save_prompt,
)
from image_studio.workflow.queue import Board, Queue, board, review_queue
from image_studio.workflow.review import approve, approve_and_publish, change_this, publish, reject, shortlist, withdraw
from image_studio.workflow.sheet import Cell, Sheet, SheetRow, sheet
from image_studio.workflow.variants import blocked_error, judged, order, request

__all__ = [
    "Archive",
    "Board",
    "Cell",
    "FilledPrompt",
    "Finish",
    "Home",
    "Ingested",
    "Matrix",
    "Once",
    "PlannedCell",
    "PlannedJob",
    "Preview",
    "Queue",
    "RouteCard",
    "ServedFile",
    "Sheet",
    "SheetRow",
    "add_version",
    "approve",
    "approve_and_publish",
    "archive",
    "blocked_error",
    "board",
    "cancel",
    "cancel_cell",
    "cancel_job",
    "change_this",
    "describe",
    "edit_prompt",
    "export_kit",
    "file_for",
    "fill_prompt",
    "finish",
    "finishes",
    "home",
    "import_kit",
    "ingest",
    "judged",
    "once",
    "order",
    "partial_for",
    "preview",
    "prompt_of_words",
    "publish",
    "recompose",
    "reject",
    "replayed",
    "request",
    "retry",
    "retry_cell",
    "retry_job",
    "review_queue",
    "route_cards",
    "save_kit",
    "save_prompt",
    "sheet",
    "shortlist",
    "withdraw",
]
