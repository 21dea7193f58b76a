"""Words of the worker side: what became of a job, what the doctor found, what storage could not do."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "job.rights_revoked": _(
        "Whoever asked for this may not do it any more ({verb}). Nothing was spent. Let somebody of this brand retry."
    ),
    "job.source_expired": _("The rights to the source picture have ended. Nothing was spent. Extend them, then retry."),
    "job.source_missing": _("The source picture is gone. Nothing was spent. Start again from another picture."),
    "job.source_rejected": _(
        "The source picture is {state} now. Nothing was spent. Approve it again, or start from another picture."
    ),
    "job.unknown_model": _(
        "The site no longer has the model {model}. Nothing was spent. Put it back into the settings, then retry."
    ),
    "job.model_ended": _(
        "{model} ended on {ends_on}, while this waited. Nothing was sent or spent. Order it anew on a route that still "
        "runs; its provider names in its place: {replaced_by}."
    ),
    "job.misconfigured": _(
        "The settings of this provider do not hold. The worker's log says why. Mend the settings, then retry."
    ),
    "job.deadline": _(
        "The provider gave no answer within {seconds} seconds. It may have been charged: look there first."
    ),
    "job.worker_lost": _("The worker was lost while the provider worked. It may have been charged: look there first."),
    "job.crashed": _("This broke with {error}, a defect of this site. Its traceback is in the worker's log."),
    "job.kills_workers": _(
        "Its workers died again and again, so it is not tried any more. Look for memory limits, then retry."
    ),
    "job.output_missing": _(
        "The provider sent fewer pictures than were asked for. Retry this cell to ask for it alone."
    ),
    "job.answer_damaged": _(
        "The provider's answer on the worker's disk is damaged ({name}). It may have been charged: look there first."
    ),
    "job.answer_elsewhere": _(
        "This is paid for, and its answer lies in the spool of a host where no worker comes for it. Start one there, "
        "with the same spool folder, and it is taken in. Sent again, it is paid for twice."
    ),
    "job.asset_changed": _(
        "The picture became {state} while its public files were made. Approve it, then publish again."
    ),
    "job.no_partial": _("There is no early version of picture {number} now. Look again later."),
    "job.never_still": _("The texts of this set changed again and again while it was composed. Retry it now."),
    "variant.crashed": _("Composing this cell broke with {error}. Its traceback is in the worker's log."),
    "variant.no_picture": _("The picture of this cell never came. Retry the cell to ask for it again."),
    "variant.not_composed": _("The composition was cancelled. Compose the set again."),
    "doctor.answer_elsewhere": _(
        "The answer lies in the spool of {host}, where no worker takes it in. Start one there, with the same spool "
        "folder; where that is lost, send the job again and pay again (manage.py studio_unknowns)."
    ),
    "doctor.answer_found": _("The answer to job {job} is here after all. Mend it with --fix: it costs nothing more."),
    "doctor.answer_incomplete": _(
        "Job {job} broke off while its answer came, and this is what came: {files}. Look whether the provider "
        "charged; then adopt what is whole, send it again or write it off (manage.py studio_unknowns)."
    ),
    "doctor.answer_unsaved": _("The answer to job {job} was never stored. Mend it with --fix, or retry the job."),
    "doctor.answer_without_row": _(
        "{pictures} pictures lie here that the database does not know. Adopt them into their brand with --fix."
    ),
    "doctor.cannot_list": _("The {storage} storage cannot list its files, so orphans were not looked for there."),
    "doctor.folder_without_row": _(
        "The database does not know this folder and it holds no whole answer. Look into it."
    ),
    "doctor.leftover": _("Job {job} ended and left this folder. Delete it with --fix."),
    "doctor.no_worker": _("{waiting} jobs wait and no worker runs. Start manage.py studio_worker."),
    "doctor.queue_stands": _(
        "{waiting} jobs wait for longer than {most} seconds although {workers} workers live. Start more, or look "
        "whether one hangs."
    ),
    "doctor.spending_stopped": _(
        "{waiting} jobs wait for longer than {most} seconds because spending is stopped. manage.py studio_spending "
        "says by whom and why, and lets it go on."
    ),
    "doctor.window_shut": _(
        "{waiting} jobs wait for {provider}: it said that there are too many requests, and is not asked before {until}."
    ),
    "doctor.orphan": _("No row speaks of {name}. With --fix it goes if it can be made again; look at what is left."),
    "doctor.second_answer": _("Job {job} went on without this answer. Adopt its pictures into the library with --fix."),
    "doctor.set_open": _("“{title}” is over and was never closed. Close it with --fix, or let a worker do it."),
    "doctor.stuck": _("Its worker is gone and it still says “{state}”. Mend it with --fix, or start a worker."),
    "doctor.unknown": _(
        "{provider} may have charged for this ({reason}), and ${usd} stay held. Look there; then adopt what came, send "
        "it again or write it off (manage.py studio_unknowns)."
    ),
    "doctor.doubt": _(
        "{provider} may have charged for an earlier call of job {job}, and ${usd} stay held. Look there; then write it "
        "off with what it cost (manage.py studio_unknowns)."
    ),
    "doctor.no_trigger": _(
        "The database would let rows of {table} be changed. Mend it with --fix, or run migrate as a database user who "
        "may make triggers."
    ),
    "doctor.over_held": _("This is over and still holds ${usd}. Release it with --fix."),
    "doctor.held_differs": _("The ledger says that ${entered} are held, the rows say ${held}. Enter it with --fix."),
    "doctor.cost_differs": _("It says that it cost ${said}, the ledger says ${entered}. Mend it with --fix."),
    "doctor.rollup_differs": _(
        "The sum of {day} (brand {brand}, model {model}) is not the ledger's. Mend it with --fix."
    ),
    "doctor.budget_differs": _("The budget of {whose} counts otherwise than rows and ledger. Count anew with --fix."),
    "provider.connection_lost": _(
        "The connection broke before the answer came. It may have been charged: look there first."
    ),
    "provider.moderation_blocked": _(
        "The provider's moderation blocked this ({categories}; stage: {stage}; request {request_id}). Nothing was "
        "charged. Change the prompt or the picture."
    ),
    "provider.rate_limited": _("The provider has too many requests now. Nothing was charged: it is tried again."),
    "provider.refused": _(
        "The provider refused this request. Nothing was charged. Change it, or choose another route."
    ),
    "provider.unreachable": _("The provider could not be reached. Nothing was charged: it is tried again."),
    "storage.full": _("The disk is full, so {name} could not be written. Make room; the worker tries again."),
    "storage.write_failed": _("{name} could not be written: {detail}. Check the storage and its permissions."),
    "storage.read_failed": _("{name} could not be read: {detail}. Check the storage and its permissions."),
    "storage.list_failed": _(
        "The files of {name} could not be listed: {detail}. Check the storage and its permissions."
    ),
    "storage.missing": _("The file {name} is missing from the storage. Restore it from a backup."),
    "storage.wrong_sum": _("The file {name} is not what was stored: its bytes changed. Restore it from a backup."),
}
