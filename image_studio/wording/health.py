"""Words of health: why the studio can't do its work now, and what whoever runs it can do."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "health.database": _("The database does not answer. Look at its server and at DATABASES."),
    "health.private_storage": _("The storage of private pictures cannot be asked. Look at PRIVATE_STORAGE."),
    "health.public_storage": _("The storage of public pictures cannot be asked. Look at PUBLIC_STORAGE."),
    "health.slow": _(
        "A look at the database and the storages does not end: one of them hangs. Look at their servers and at the "
        "network."
    ),
    "health.queue": _(
        "The oldest waiting job could have begun {seconds} seconds ago, and {most} are the most. Start "
        "studio_worker, or more of them."
    ),
    "health.no_worker": _("No worker is alive: start studio_worker."),
    "health.triggers": _(
        "The database itself does not guard the ledger and the events: {missing} triggers are missing. Run migrate, or "
        "see what studio_doctor says."
    ),
}
