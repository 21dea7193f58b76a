"""Words of pictures that pages use."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "usage.unknown": _("There is no such picture here. Choose one of those that are offered."),
    "usage.withdrawn": _("This picture was withdrawn. Choose another, or have it published again."),
    "usage.not_published": _("This picture is not published yet. Publish it first, or choose another."),
    "usage.expired": _("The rights to this picture have ended. Choose another, or extend them in the studio."),
    "usage.other_brand": _("This picture belongs to another brand. Choose one of the brand {brand}."),
    "usage.other_channel": _("This picture was made for another place. Choose one of the channel {channel}."),
    "usage.not_offered": _("This page does not take that picture. Choose one of those that are offered."),
    "usage.taken": _("Another row has this picture already, and only one may. Take it away there first."),
    "usage.not_taken": _("The database does not take this picture here beside what the rows hold already."),
    "replace.same": _("A picture cannot take its own place. Choose another one."),
    "replace.nowhere": _("No page of this site shows this picture, so there is nothing to replace."),
    "replace.none_takes": _(
        "No place that shows this picture can take that one. Choose another, or change the places one by one."
    ),
    "replace.not_all": _(
        "{left} of the places cannot take that picture, so nothing was changed. Choose another, or let them stay."
    ),
    "replace.changed": _("The places have changed since you looked. Look again: nothing was replaced."),
    "usage.bad_place": _("This page of pictures does not exist. Start again from the first one."),
}
