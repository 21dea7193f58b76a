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
    "prompt.bad_label": _("{label} is no usable label. Use small letters, digits, hyphens and underscores."),
    "prompt.unknown_version": _("{prompt} has no version {version}. Look at its versions, then choose one of them."),
    "prompt.unknown_label": _("{prompt} has no label {label}. It has: {known}."),
    "request.unknown_line": _("No layout of this brand draws a line called {line}. There is: {known}."),
    "request.unknown_model": _("There is no model {model}. There is: {known}."),
    "job.overtaken": _("Newer work took the place of this job. Look at what is there now."),
}
