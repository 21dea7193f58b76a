"""Words of edit histories that come from another site."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "chain_archive.broken": _(
        "The archive can't be opened ({detail}). Export the history again, and take the ZIP as it is."
    ),
    "chain_archive.no_document": _(
        "There is no {name} in the archive. Take the ZIP or the folder that an export gave."
    ),
    "chain_archive.too_large": _("{name} has more than {most} bytes. Export a shorter history: fork it first."),
    "chain_archive.too_many": _(
        "{what} has {count} entries, and {most} are taken. Export a shorter history: fork it first."
    ),
    "chain_archive.bad_name": _("{name} is no file name that can be taken. Take the ZIP as an export gave it."),
    "chain_archive.missing_file": _("The file {name} is missing in the archive. Export the history again."),
    "chain_archive.wrong_sum": _(
        "The file {name} is not the one that the history speaks of: its sum differs. Export the history again."
    ),
    "chain_archive.bad_file": _("The file {name} can't be taken. {reason} Nothing was imported."),
    "chain_archive.bad_json": _("The file chain.json can't be read: {detail}. Export the history again."),
    "chain_archive.other_format": _(
        "The file chain.json says that it is “{found}”, and {wanted} is needed. Take another file."
    ),
    "chain_archive.other_version": _(
        "The file chain.json has version {found} of its format, and {known} is read here. Update this site, or the "
        "other one."
    ),
    "chain_archive.bad_value": _("{place} in chain.json is wrong: it must be {wanted}. Nothing was imported."),
    "chain_archive.unknown": _("{place} in chain.json is “{value}”. There is: {known}. Nothing was imported."),
    "chain_archive.no_such_key": _(
        "{place} in chain.json speaks of “{key}”, which its {part} don't have. Nothing was imported."
    ),
    "chain_archive.no_chain": _("There is no edit history {chain}. Its id stands in the address of its page."),
    "chain.left_unfinished": _(
        "It was still being made on the other site when this history was exported. Ask for it again here."
    ),
}
