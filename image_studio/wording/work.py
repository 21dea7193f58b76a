"""Words of what is said to work while it runs, and of keys that keep a request from running twice."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "idempotency.key_missing": _(
        "This can spend money, so it needs an Idempotency-Key: a new one for each order, the same one when it is sent "
        "again."
    ),
    "idempotency.in_flight": _("The same request is under way. Wait a moment, then send it again with the same key."),
    "job.wrong_state": _("This job is {state} now: there is nothing to do here."),
    "job.unknown_outcome": _(
        "The provider may have charged for this and never answered, so it is not sent again. Look there first; then "
        "order anew, or leave it as it is."
    ),
    "job.overtaken": _("Newer work took the place of this job. Look at what is there now."),
}
