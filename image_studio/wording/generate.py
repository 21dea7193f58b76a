"""Words of the page that asks for variants: routes, starts, and forms that come twice."""

from django.utils.translation import gettext_lazy as _

WORDS = {
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
