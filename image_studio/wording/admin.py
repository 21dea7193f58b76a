"""Words of the admin's own refusals."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "archive.broken": _("The archive cannot be opened ({detail}). Zip the folder with brand.toml again."),
    "archive.too_many": _(
        "The archive holds {count} files; {most} is the most. Keep only the brand's own files in it."
    ),
    "archive.too_large": _("{name} is larger than {most} bytes when unpacked. Make the file smaller."),
    "archive.bad_name": _("{name} is no name that can be taken. Use plain names below the folder of brand.toml."),
    "archive.no_kit": _("There is no {name} in the archive. Zip the folder that an export gave you."),
    "archive.too_heavy": _("The file has {weight} bytes, and at most {most} are taken."),
    "kit.revised_meanwhile": _(
        "{who} saved revision {number} while you were editing. Open it beside this page to compare, then save again to "
        "put yours on top."
    ),
    "member.unknown_user": _("There is nobody called {name}. Check the user name."),
    "member.nobody": _("Name a user or choose a group."),
    "member.both": _("Name a user or choose a group, not both."),
    "request.mixed_brands": _("The chosen pictures belong to different brands. Choose pictures of one brand."),
    "request.too_many_sources": _("{count} pictures were chosen; {most} is the most for one form. Choose fewer."),
    "texts.refused": _("{line}: {reason} Mend it, then compose again."),
    "money.bad_sum": _("Give the sum in dollars, like 12.50: at most six places after the point."),
    "job.say_the_charge": _("Say what the provider charged: as much as is held, nothing, or the sum on its bill."),
}
