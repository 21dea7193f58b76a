"""Words of the page that asks for variants: routes, starts, and forms that come twice."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "option.unknown": _("There is no option {option}. There is: {known}."),
    "option.wrong_type.choice": _("{option} is a word, for example as the list of models names it."),
    "option.wrong_type.whole": _("{option} is a whole number."),
    "option.wrong_type.picture": _("{option} is the id of one picture."),
    "option.wrong_type.pictures": _("{option} are the ids of at most 64 pictures."),
    "option.wrong_type.raw": _("{option} is an object of at most 8,000 characters: names and plain values."),
    "option.not_here": _("{model} has no such choice. Take another route to use it."),
    "route.changes": _("From {day} on it is made by {model} ({quality}): {price} for the same."),
    "option.no_such_picture": _("{option}: there is no picture {asset} of this brand that you may use."),
    "finish.nothing_chosen": _("There is no such cell. Choose a picture to finish."),
    "finish.no_picture": _("There is no picture to finish yet. Wait for it, or try it again."),
    "finish.not_a_draft": _("A stand-in is no draft: there is nothing in it to keep. Generate on a route that paints."),
    "finish.no_prompt": _(
        "This picture was made without a prompt, so nothing says how to finish it. Generate from it with a prompt."
    ),
    "finish.not_better": _("{route} is not better than the draft's own route, or can't finish it. There is: {known}."),
    "route.can": _("Routes that can: {can}."),
    "route.never_published": _("Never published."),
    "route.no_instruction": _("Follows no prompt."),
    "route.no_transparency": _("No transparent background."),
    "prompt.too_many_places": _(
        "At most {most} places fit into a prompt, each with a name of at most {letters} letters. Write some out."
    ),
    "request.prompt_unused": _(
        "{model} only crops and extends the picture: the prompt is left out. Start from the prompt alone to have it "
        "followed."
    ),
    "request.sent_before": _(
        "You ordered from this form before, and it has changed since. Look again, then order the changed one."
    ),
    "request.start_missing": _("There is no such picture or prompt that you may use. Choose another below."),
    "request.starts_left_out": _(
        "Some of the chosen pictures are gone or not yours to use ({count}). They are left out below."
    ),
}
