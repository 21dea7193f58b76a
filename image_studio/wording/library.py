"""Words of the library, its uploads and a picture's page."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "browse.bad_cursor": _("This place in the library is not known, so it begins at the first pictures."),
    "browse.unknown_sort": _("Pictures are not sorted by {sort}. Choose one of: {known}."),
    "asset.words_changed": _(
        "Somebody else saved other words while you wrote. Yours are still in the form: save again to put them on top, "
        "or open the page anew to see theirs."
    ),
    "asset.unknown_verb": _("“{verb}” is nothing that can be said to a picture. Use one of the page's own buttons."),
    "asset.no_tag": _("Write at least one tag first."),
    "asset.too_many_tags": _(
        "A picture has up to {most} tags, and this would make {count}. Take some away first; nothing was changed."
    ),
    "adopt.unknown_model": _("{label} names no field of a model here. Write it as app.Model.field."),
    "adopt.no_file_field": _("{model} has no file field {field}. It has: {known}."),
    "adopt.unknown_alt": _("{model} has no field {field} that an alt text could stand in."),
    "upload.no_file": _("No file came with the request. Choose a file and send it again."),
    "upload.one_at_a_time": _("{count} files came at once. Send each one on its own."),
    "upload.broken": _("The upload broke off before it was whole. Send the file again."),
    "upload.too_heavy": _("The upload has {weight} bytes, and at most {limit} are taken. Save the picture smaller."),
    "upload.no_brand": _("Choose a brand that you may upload to."),
    "session.ended": _("Your session has ended. Sign in again, then come back here."),
    "session.not_staff": _("Your account may not use these pages. Ask an administrator."),
}
