"""Words of money that may not be spent, and of calls that nobody knows the outcome of."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "budget.spent": _(
        "The budget of {whose} ({period}) has no room for this: it may cost ${wanted}, and ${left} of ${limit} are "
        "left. Ask for less, take a cheaper route, or let whoever keeps the budget raise it."
    ),
    "budget.soft": _("With this the budget of {whose} ({period}) passes ${soft}, from where on it warns."),
    "budget.price_unknown": _(
        "The budget of {whose} has a limit, and nobody knows what this model costs. Take another route, or give the "
        "model a price in the settings."
    ),
    "budget.exists": _("There is a budget for this and for this period already. Change that one."),
    "budget.no_limit": _("Say from where on people are warned, or beyond what nothing is spent, or both."),
    "budget.limits_crossed": _("The warning must come before the limit: make it the smaller sum."),
    "budget.out_of_range": _("A budget is at least $0 and at most ${most}."),
    "budget.unknown_period": _("There is no period “{period}”. There are: {known}."),
    "budget.not_member": _("This person is no member of the brand. Add them to its members first."),
    "price.risen": _(
        "You were told that this may cost ${said} at most, and by now it may cost more. Nothing was sent or spent. "
        "Look at its price again, then ask again."
    ),
    "spending.stopped": _(
        "Spending is stopped ({reason}), by {who}. Nothing was sent or spent. Whoever stopped it can let it go on."
    ),
    "spending.reason_missing": _("Say why spending is stopped: others will wonder."),
    "spending.below_nothing": _(
        "The job cost ${cost}: no more than that can be taken off. Correct the brand for the rest, without the job."
    ),
    "spending.no_such_job": _("The brand has no such job. Look it up in the ledger."),
    "spending.no_correction": _("Say by how much the spending is to be corrected, in dollars other than 0, and why."),
    "spend.bad_span": _("The first day must not lie after the last, and a report reads at most {most} days."),
    "unknowns.name_the_job": _("Name the job whose call is to be settled. Without a verb the command lists them."),
    "unknowns.no_job": _("There is no job {job}. The command without arguments lists those in doubt."),
    "unknowns.no_call": _("“{call}” is no call's id. The command without arguments lists the calls in doubt."),
    "unknowns.only_write_off": _("{option} says how a call is written off. Give it with --write-off, or leave it out."),
    "unknowns.no_sum": _("“{text}” is no sum in dollars. Write it as 0.04."),
    "job.not_unknown": _("The outcome of this job is known: there is nothing to adopt, resend or write off."),
    "job.nothing_to_adopt": _(
        "No whole picture of this call lies on this host. Look at the provider; then send it again or write it off."
    ),
    "job.name_the_call": _("{calls} calls of this job are in doubt. Say of each by itself what it was charged."),
    "job.charge_out_of_range": _("A call costs at least nothing and at most ${most} millionths."),
    "job.written_off": _("A person wrote this off: its outcome stays unknown. Retry to ask for the pictures anew."),
}
