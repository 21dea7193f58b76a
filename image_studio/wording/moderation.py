"""Words for what a moderation service said, and for why it said nothing."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "moderation.picture_clear": _(
        "{model} looked for {looked_for} in the picture and flagged nothing. It knows no brands, hate symbols, minors "
        "or people: judge those by eye."
    ),
    "moderation.picture_near": _(
        "{model} flagged nothing in the picture, but came near: {categories}. Look closely. It knows no brands, hate "
        "symbols, minors or people."
    ),
    "moderation.picture_flagged": _(
        "{model} flagged the picture: {categories}. Reject it, or ask for a change. It looked for {looked_for}; it "
        "knows no brands, hate symbols, minors or people."
    ),
    "moderation.prompt_clear": _("{model} looked for {looked_for} in the prompt and flagged nothing."),
    "moderation.prompt_near": _("{model} flagged nothing in the prompt, but came near: {categories}. Read it again."),
    "moderation.prompt_refused": _("{model} flagged the prompt: {categories}. Use other words next time."),
    "moderation.prompt_flagged": _(
        "{model} flagged the prompt: {categories}. No picture was asked for and nothing was spent. Change the prompt, "
        "then order again."
    ),
    "moderation.off": _(
        "Not checked: moderation looks at pictures while they are made, and only where the site's MODERATION names a "
        "provider."
    ),
    "moderation.not_then": _("Not checked: moderation was not on when this picture was made. Judge it by eye."),
    "moderation.stand_in": _("Not checked: a placeholder is painted on this server and never published."),
    "moderation.no_endpoint": _(
        "Not checked: {alias} has no moderation. Whoever runs the site names another provider in MODERATION."
    ),
    "moderation.not_looked": _("Not checked: {model} answered, but did not look at it. Judge it by eye."),
    "moderation.no_copy": _("Not checked: no copy of the picture could be made for moderation. Judge it by eye."),
    "moderation.no_key": _(
        "Not checked: there is no key for {alias}. Whoever runs the site has to give it one; until then judge by eye."
    ),
    "moderation.not_allowed": _(
        "Not checked: {alias} does not take this site's key for moderation (status {status}). Whoever runs the site "
        "has to look at it; until then judge by eye."
    ),
    "moderation.rate_limited": _("Not checked: {alias} had too much to moderate. Judge it by eye."),
    "moderation.refused": _("Not checked: {alias} refused to moderate it (status {status}). Judge it by eye."),
    "moderation.late": _("Not checked: {alias} gave no moderation within {seconds} seconds. Judge it by eye."),
    "moderation.unreachable": _("Not checked: the moderation of {alias} can't be reached ({reason}). Judge it by eye."),
    "moderation.bad_answer": _(
        "Not checked: what {alias} sent as its moderation can't be read. That is its fault. Judge it by eye."
    ),
    "moderation.broken": _(
        "Not checked: moderation broke with {reason}, a defect of this site. The worker's log says more. Judge by eye."
    ),
}
