"""Words of moving from one model to another, and of trying out a route."""

from django.utils.translation import gettext_lazy as _

WORDS = {
    "moving.both": _("Name the model that goes with --from, and the one that follows with --to."),
    "moving.same": _("{model} can't follow itself. Name another model with --to."),
    "moving.only_with": _("{option} goes with --from and --to: it is about what changes between two models."),
    "moving.one_task": _("Choose one of --check, --probe and --from: they do different things."),
    "moving.no_provider": _("No provider of this site has both {old} and {new}. Name two models of one provider."),
    "moving.prompts": _("No prompt names a model: each is made by the route that it is ordered on. None was changed."),
    "moving.prompt_where": _("More than one brand has a prompt {prompt}. Say which with --brand: {known}."),
    "probe.name_the_brand": _("Say in whose ledger the picture is entered, with --brand: {known}. Nothing was bought."),
    "probe.no_brand": _("There is no brand yet, so this picture stands in no ledger."),
    "spending.too_dear": _(
        "This may cost up to ${most}, more than the ${cap} that it may. Nothing was bought. Raise --max-micro-usd to "
        "{micro_usd} to allow it."
    ),
    "spending.unknown": _(
        "Nobody knows what {model} costs, so nothing can cap it. Nothing was bought. Give it prices in the settings."
    ),
    "spending.say_yes": _(
        "Pictures to buy: {pictures}, for about ${likely}, ${most} at most. Nothing was bought yet. Add --yes to buy."
    ),
}
