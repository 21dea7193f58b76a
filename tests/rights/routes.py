"""Every route of the studio, classified: what it needs, and what it answers to whom.

A route that stands here and not in the URL conf fails, and so does one that stands there and not here: whoever adds an
address says with a row who may use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GET, POST, PATCH, DELETE = "GET", "POST", "PATCH", "DELETE"
ADMIN, API = "admin:image_studio_", "image_studio:v1:"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One use of one route.

    :param at: the route's arguments: names of a side's things, ``=`` before a word that stands for itself.
    :param verb: of :data:`image_studio.policy.VERBS`; ``never`` is for nobody, ``super`` for superusers.
    :param ok: the status for who may; ``refused`` for whose role is too small, ``outside`` for who may not know of it.
    :param scope: what the rights hang on. ``own``: a thing with an owner; ``unowned``: one without; ``brand``: the
        brand itself; ``list``: only rows that the person may see; ``any``: the verb in any brand; ``site``: Django's
        permission alone; ``open``: nothing at all.
    :param body: a function of :mod:`tests.rights.bodies`.
    :param writes: whether it leaves something behind.
    :param file: whether it answers with the bytes of a file.
    :param shows: whether the answer tells of the brand, so that its canary is found in it.
    :param but: role, or role@side -> another status than the rule says.
    """

    name: str
    method: str
    at: str = ""
    verb: str = "view"
    ok: int = 200
    refused: int = 403
    outside: int = 404
    scope: str = "own"
    body: str = ""
    query: str = ""
    writes: bool = False
    file: bool = False
    shows: bool = True
    but: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join(part for part in (self.method, self.name, self.query or self.body) if part)


def admin(name: str, method: str, at: str = "", verb: str = "view", ok: int = 200, **more) -> Row:
    writes = more.pop("writes", method != GET)
    return Row(name=ADMIN + name, method=method, at=at, verb=verb, ok=ok, writes=writes, **more)


def api(name: str, method: str, at: str = "", verb: str = "view", ok: int = 200, **more) -> Row:
    writes = more.pop("writes", method != GET)
    return Row(name=API + name, method=method, at=at, verb=verb, ok=ok, writes=writes, **more)


def stock(model: str, target: str, scope: str, *, add: bool = True, shows: bool = True) -> list[Row]:
    """Django's own routes of a model that nobody can delete, and (``add``) that is made elsewhere."""
    rows = [
        admin(f"{model}_delete", GET, target, "never", scope=scope),
        admin(f"{model}_delete", POST, target, "never", scope=scope, body="yes"),
        admin(f"{model}_history", GET, target, scope=scope, shows=shows),
        admin(f"{model}_history", POST, target, scope=scope, writes=False),
        Row(name=f"admin/image_studio/{model}/<path:object_id>/", method=GET, at=target, scope="site", ok=302),
        Row(name=f"admin/image_studio/{model}/<path:object_id>/", method=POST, at=target, scope="site", ok=302),
    ]
    if add:
        rows += [
            admin(f"{model}_add", GET, verb="never", scope="site"),
            admin(f"{model}_add", POST, verb="never", scope="site"),
        ]
    return rows


#: A script hears of the end of the session, and is not sent to a page.
ENDED = {"anonymous": 403}
NO_INGEST = dict.fromkeys(("stranger", "viewer", "viewer@south"), 403)

LIBRARY = [
    admin("asset_changelist", GET, scope="list"),
    admin("asset_changelist", POST, verb="shortlist", ok=302, refused=302, outside=302, body="shortlist_action"),
    admin("asset_add", GET, verb="ingest", scope="any", shows=False),
    admin("asset_add", POST, verb="ingest", ok=302, outside=200, scope="brand", body="upload_form", but=NO_INGEST),
    admin("asset_change", GET, "candidate"),
    admin("asset_change", POST, "candidate", "describe", 302, body="words_form"),
    admin(
        "asset_upload", POST, verb="ingest", ok=201, outside=400, scope="brand", body="upload", but=NO_INGEST | ENDED
    ),
    admin("asset_picture", GET, "raw =preview", file=True, shows=False),
    admin("asset_picture", GET, "raw =full", file=True, shows=False),
    admin("asset_picture", GET, "raw =original", "original", refused=404, file=True, shows=False),
    admin("asset_say", POST, "candidate", "shortlist", body="say_shortlist", but=ENDED),
    admin("asset_say", POST, "candidate", "review", body="say_approve", but=ENDED),
    admin("asset_say", POST, "public", "withdraw", body="say_withdraw", but=ENDED),
    admin("asset_replace", GET, "worn", "replace"),
    admin("asset_replace", POST, "worn", "replace", 302, body="replace_form"),
    admin("asset_pick", GET, scope="list", shows=False),
    admin("asset_review", GET, scope="list", shows=False),
    admin("asset_review_one", GET, "candidate"),
    admin("asset_review_say", POST, "candidate", "review", body="say_reject", shows=False),
    *stock("asset", "candidate", "own", add=False),
]
BRANDS = [
    admin("brand_changelist", GET, scope="list"),
    admin("brand_changelist", POST, scope="list", writes=False),
    admin("brand_add", GET, verb="super", scope="site"),
    admin("brand_add", POST, verb="super", scope="site", writes=False),
    admin("brand_change", GET, "brand", scope="brand"),
    admin("brand_change", POST, "brand", "edit_kit", 302, scope="brand", body="kit_form"),
    admin("brand_import", GET, scope="site"),
    admin("brand_import", POST, "", "edit_kit", 302, refused=200, outside=200, scope="brand", body="kit_file"),
    admin("brand_export", GET, "brand", scope="brand", file=True, shows=False),
    admin("brand_revision", GET, "brand =1", scope="brand"),
    admin("brand_revision", POST, "brand =1", "edit_kit", 302, scope="brand", writes=False, shows=False),
    admin("brand_file", GET, "brand logo", scope="brand", file=True, shows=False),
    admin("brand_layout", GET, "brand =square =en", scope="brand", file=True, shows=False),
    *stock("brand", "brand", "brand", add=False),
]
PROMPTS = [
    admin("prompt_changelist", GET, scope="list"),
    admin(
        "prompt_changelist",
        POST,
        verb="generate",
        ok=302,
        refused=302,
        outside=302,
        scope="unowned",
        writes=False,
        body="generate_action",
        shows=False,
    ),
    admin("prompt_add", GET, verb="write_prompt", scope="any", shows=False),
    admin(
        "prompt_add", POST, verb="write_prompt", ok=302, outside=200, scope="brand", body="prompt_form", but=NO_INGEST
    ),
    admin("prompt_change", GET, "prompt", scope="unowned"),
    admin("prompt_change", POST, "prompt", "write_prompt", 302, scope="unowned", body="template_form"),
    *stock("prompt", "prompt", "unowned", add=False),
]
SETS = [
    admin("variantset_changelist", GET, scope="list"),
    admin("variantset_changelist", POST, scope="list", writes=False),
    admin("variantset_change", GET, "set"),
    admin("variantset_change", POST, "set", writes=False),
    admin("variantset_generate", GET, verb="generate", outside=200, query="source=raw"),
    admin("variantset_generate", GET, verb="generate", outside=200, query="prompt=prompt", scope="unowned"),
    admin("variantset_generate", POST, verb="generate", ok=302, outside=200, query="source=raw", body="order_form"),
    admin(
        "variantset_generate",
        POST,
        verb="write_prompt",
        ok=302,
        refused=200,
        outside=200,
        scope="brand",
        body="typed_words",
    ),
    admin(
        "variantset_price",
        POST,
        verb="generate",
        outside=200,
        query="source=raw",
        body="order_form",
        writes=False,
        shows=False,
    ),
    admin("variantset_say", POST, "set", "shortlist", 302, body="tick_shortlist"),
    admin("variantset_say", POST, "set", "review", 302, body="tick_reject"),
    admin("variantset_say", POST, "set", "retry", body="say_retry", shows=False),
    admin("variantset_say", POST, "set", "recompose", body="say_recompose", shows=False),
    admin("variantset_say", POST, "other_set", "cancel", body="say_cancel", shows=False),
    admin("variantset_live", GET, "set", shows=False),
    admin("variantset_zip", GET, "set", file=True),
    admin("variantset_compare", GET, "set", query="cell=ready", shows=False),
    admin("variantset_partial", GET, "set working_job =0", file=True, shows=False),
    admin("variantset_cell", POST, "set ready", "shortlist", body="say_shortlist", shows=False),
    admin("variantset_cell", POST, "set failed", "retry", body="say_retry", shows=False),
    admin("variantset_cell", POST, "other_set other_cell", "cancel", body="say_cancel", shows=False),
    admin("variantset_finish", POST, "set ready", "generate", 302, body="finish_form", writes=False, shows=False),
    admin("variantset_inspect", GET, "set ready"),
    admin("variantset_inspect", POST, "set ready", "review", 302, body="say_change_form", shows=False),
    *stock("variantset", "set", "own"),
]
JOBS = [
    admin("job_changelist", GET, scope="list"),
    admin("job_changelist", POST, scope="list", writes=False),
    admin("job_change", GET, "failed_job"),
    admin("job_change", POST, "failed_job", "never"),
    admin("job_partial", GET, "working_job =0", file=True, shows=False),
    *stock("job", "failed_job", "own", shows=False),
]
#: Whoever may not see what is spent may not know of it; what somebody asked for is theirs to see.
UNTOLD = dict.fromkeys(("viewer@north", "creator@north", "reviewer@north", "other@north"), 404)
ENTRY = {**UNTOLD, "owner@north": 403}
BUDGET = {**UNTOLD, "owner@north": 404}
#: Who is not in the brand.
NOT_TOLD = dict.fromkeys(("stranger", "rival@north", "viewer@south", "manager@south", "owner@south"), 404)
#: Nobody's manager anywhere: the page itself is refused.
NO_MONEY = dict.fromkeys(("stranger", "viewer@south", "owner@south"), 403)
MONEY = [
    admin("ledgerentry_spend", GET, verb="see_spend", scope="any", shows=False),
    admin("ledgerentry_csv", GET, verb="see_spend", scope="any", file=True, shows=False),
    admin("ledgerentry_correct", GET, verb="super", scope="any", shows=False),
    admin("ledgerentry_correct", POST, verb="super", ok=302, scope="brand", body="correction_form"),
    admin("ledgerentry_switch", GET, verb="stop_spending", scope="any", shows=False),
    admin("ledgerentry_switch", POST, verb="stop_spending", ok=302, scope="brand", body="say_stop", but=NO_MONEY),
    admin("ledgerentry_changelist", GET, scope="list"),
    admin("ledgerentry_changelist", POST, scope="list", writes=False),
    admin("ledgerentry_change", GET, "entry", "see_spend", but={**UNTOLD, "owner@north": 200}),
    admin("ledgerentry_change", POST, "entry", "never", but=ENTRY),
    admin("ledgerentry_delete", GET, "entry", "never", but=ENTRY),
    admin("ledgerentry_delete", POST, "entry", "never", body="yes", but=ENTRY),
    admin("ledgerentry_history", GET, "entry", "see_spend", shows=False, but={**UNTOLD, "owner@north": 200}),
    admin(
        "ledgerentry_history", POST, "entry", "see_spend", writes=False, shows=False, but={**UNTOLD, "owner@north": 200}
    ),
    *stock("ledgerentry", "entry", "site")[4:],
    admin("budget_changelist", GET, scope="list"),
    admin("budget_changelist", POST, scope="list", writes=False),
    admin("budget_add", GET, verb="edit_budget", scope="any", shows=False),
    admin("budget_add", POST, verb="edit_budget", ok=302, outside=200, scope="brand", body="budget_form", but=NO_MONEY),
    admin("budget_change", GET, "budget", "see_spend", refused=404, scope="unowned"),
    admin("budget_change", POST, "budget", "edit_budget", 302, refused=404, scope="unowned", body="limits_form"),
    admin("budget_delete", GET, "budget", "never", scope="unowned", but=BUDGET),
    admin("budget_delete", POST, "budget", "never", scope="unowned", body="yes", but=BUDGET),
    admin("budget_history", GET, "budget", "see_spend", refused=404, scope="unowned", shows=False),
    admin("budget_history", POST, "budget", "see_spend", refused=404, scope="unowned", writes=False, shows=False),
    *stock("budget", "budget", "site", add=False)[4:],
    admin("job_unknown", GET, scope="list"),
    admin("job_settle", GET, "doubtful_job"),
    admin("job_settle", POST, "doubtful_job", "adopt", 302, body="say_adopt"),
    admin("job_settle", POST, "doubtful_job", "resend", 302, body="say_resend"),
    admin("job_settle", POST, "doubtful_job", "write_off", 302, body="say_write_off"),
]
EVENTS = [
    admin("event_changelist", GET, scope="list"),
    admin("event_changelist", POST, scope="list", writes=False),
    admin("event_change", GET, "event"),
    admin("event_change", POST, "event", "never"),
    *stock("event", "event", "own", shows=False),
]
CHANNELS = [
    admin("channel_changelist", GET, scope="site"),
    admin("channel_changelist", POST, scope="site", writes=False),
    admin("channel_add", GET, scope="site"),
    admin("channel_add", POST, scope="site", writes=False),
    admin("channel_change", GET, "channel", scope="site"),
    admin("channel_change", POST, "channel", scope="site", writes=False),
    *stock("channel", "channel", "site", add=False),
]
FILES = [
    Row(name="image_studio:picture", method=GET, at="raw =preview", file=True, shows=False),
    Row(name="image_studio:picture", method=GET, at="raw =full", file=True, shows=False),
    Row(
        name="image_studio:picture",
        method=GET,
        at="raw =original",
        verb="original",
        refused=404,
        file=True,
        shows=False,
    ),
    Row(name="image_studio:partial", method=GET, at="working_job =0", file=True, shows=False),
]
V1_PICTURES = [
    api("asset-list", GET, scope="list"),
    api("asset-list", POST, verb="ingest", ok=201, scope="brand", body="api_upload"),
    api("asset-detail", GET, "candidate"),
    api("asset-detail", PATCH, "candidate", "describe", body="new_title"),
    api("asset-content", GET, "raw", query="which==preview", file=True, shows=False),
    api("asset-content", GET, "raw", query="which==full", file=True, shows=False),
    api("asset-content", GET, "raw", "original", query="which==original", file=True, shows=False),
    api("asset-renditions", GET, "raw", shows=False),
    api("asset-lineage", GET, "raw", shows=False),
    api("asset-verdicts", GET, "candidate"),
    api("asset-reviews", GET, "candidate"),
    api("asset-reviews", POST, "candidate", "review", 201, body="approval"),
    api("asset-reviews", POST, "candidate", "publish", 202, body="approval_publish", shows=False),
    api("asset-reviews", POST, "candidate", "shortlist", body="shortlisting"),
    api("asset-publish", POST, "approved", "publish", 202, body="nothing", shows=False),
    api("asset-withdraw", POST, "public", "withdraw", body="nothing"),
    api("asset-replace", POST, "worn", "replace", body="replacing", shows=False),
    api("asset-replace-preview", POST, "worn", "replace", body="succeeding", writes=False, shows=False),
    api("published-list", GET, scope="open", shows=False),
    api("published-detail", GET, "public", scope="open", shows=False),
    api("published-picture", GET, "public =default", scope="open", shows=False),
]
V1_WORK = [
    api("brand-list", GET, scope="list"),
    api("brand-detail", GET, "slug", scope="brand"),
    api("brand-revisions", GET, "slug", scope="brand", shows=False),
    api("channel-list", GET, scope="site"),
    api("channel-detail", GET, "=square", scope="site"),
    api("prompt-list", GET, scope="list"),
    api("prompt-list", POST, verb="write_prompt", ok=201, scope="brand", body="new_prompt"),
    api("prompt-detail", GET, "prompt", scope="unowned"),
    api("prompt-detail", PATCH, "prompt", "write_prompt", scope="unowned", body="new_name"),
    api("prompt-versions", GET, "prompt", scope="unowned"),
    api("prompt-versions", POST, "prompt", "write_prompt", 201, scope="unowned", body="new_words"),
    api("prompt-preview", POST, "prompt", scope="unowned", body="nothing", writes=False),
    api("variant-set-list", GET, scope="list"),
    api("variant-set-list", POST, verb="generate", ok=202, body="matrix_source", shows=False),
    api("variant-set-list", POST, verb="generate", ok=202, scope="unowned", body="matrix_prompt", shows=False),
    api("variant-set-preview", POST, verb="generate", body="matrix_source", writes=False, shows=False),
    api("variant-set-detail", GET, "set"),
    api("variant-set-cancel", POST, "other_set", "cancel", body="nothing"),
    api("variant-set-retry", POST, "set", "retry", 202, body="nothing", shows=False),
    api("variant-set-recompose", POST, "set", "recompose", 202, body="nothing", shows=False),
    api("variant-set-archive", GET, "set", file=True),
    api("variant-set-cells", GET, "set", shows=False),
    api("cell-cancel", POST, "other_set other_cell", "cancel", body="nothing", shows=False),
    api("cell-retry", POST, "set failed", "retry", 202, body="nothing", shows=False),
    # Without a paid route there is nothing to finish on: whoever may is told so.
    api("cell-finish", GET, "set ready", "generate", shows=False),
    api("cell-finish", POST, "set ready", "generate", 422, body="finishing", writes=False, shows=False),
    api("job-list", GET, scope="list"),
    api("job-detail", GET, "failed_job"),
    api("job-cancel", POST, "waiting", "cancel", body="nothing"),
    api("job-retry", POST, "failed_job", "retry", 202, body="nothing"),
    api("job-events", GET, "failed_job", shows=False),
    api("job-partial", GET, "working_job =0", file=True, shows=False),
    api("model-list", GET, scope="site"),
    api("estimate", POST, scope="site", body="estimate", writes=False),
    api("schema", GET, scope="open", shows=False),
    api("docs", GET, scope="open", shows=False),
    api("missing", GET, ok=404, scope="open", shows=False),
    api("missing", POST, ok=404, scope="open", shows=False, writes=False),
]
V1_EDITS = [
    api("asset-change", GET, "raw", shows=False),
    api("asset-change", POST, "raw", "generate", 202, body="widening", shows=False),
    api("asset-change-preview", POST, "raw", "generate", body="widening", writes=False, shows=False),
    api("chain-list", GET, scope="list"),
    api("chain-list", POST, verb="generate", ok=201, body="chain_source"),
    api("chain-list", POST, verb="generate", ok=202, scope="brand", body="chain_words"),
    api("chain-detail", GET, "chain"),
    api("chain-detail", PATCH, "chain", "generate", body="new_title"),
    api("chain-head", POST, "chain", "generate", body="new_head"),
    api("chain-fork", POST, "chain", "generate", 201, body="new_chain_of_2"),
    api("chain-events", GET, "chain"),
    api("chain-archive", GET, "chain", file=True),
    api("chain-import", POST, verb="ingest", ok=201, scope="brand", body="api_chain_file", shows=False),
    api("chain-replay", POST, "chain", "generate", 202, body="path_walk"),
    api("chain-masks", POST, "chain", "generate", 201, body="region"),
    api("chain-masks", POST, "chain", "generate", 201, body="mask_form"),
    api("chain-file", GET, "chain edit_file", file=True, shows=False),
    api("chain-steps", GET, "chain"),
    api("chain-steps", POST, "chain", "generate", 202, body="widening"),
    api("chain-steps-preview", POST, "chain", "generate", body="widening", writes=False),
    api("chain-step", GET, "chain =2"),
    api("chain-step-choose", POST, "chain =3", "generate", body="choosing"),
    api("chain-step-reject", POST, "chain =3", "generate", body="rejecting"),
    api("chain-step-undecide", POST, "chain =2", "generate", body="nothing"),
    api("chain-step-cancel", POST, "chain =5", "cancel", body="nothing"),
    api("chain-step-retry", POST, "chain =4", "retry", 202, body="nothing"),
    api("chain-step-take", POST, "chain =2", "recompose", 202, body="nothing"),
    api("chain-step-recipe", POST, "chain =2", "generate", 201, body="naming"),
    api("recipe-list", GET, scope="list"),
    api("recipe-detail", GET, "recipe"),
    api("recipe-preview", POST, "recipe", "generate", body="walking", writes=False),
    api("recipe-replay", POST, "recipe", "generate", 202, body="walking"),
    api("replay-detail", GET, "replay"),
]
V1_MONEY = [
    api("job-adopt", POST, "doubtful_job", "adopt", 202, body="nothing"),
    api("job-resend", POST, "doubtful_job", "resend", 202, body="nothing"),
    api("job-write-off", POST, "doubtful_job", "write_off", body="noting"),
    api("unknown-list", GET, scope="list"),
    api("budget-list", GET, scope="list"),
    api("budget-list", POST, verb="edit_budget", ok=201, scope="brand", body="new_budget"),
    # Whoever may not see what is spent may not know that there is a limit.
    api("budget-detail", GET, "budget", "see_spend", refused=404, scope="unowned"),
    api("budget-detail", PATCH, "budget", "edit_budget", refused=404, scope="unowned", body="new_limit"),
    api("budget-detail", DELETE, "budget", "edit_budget", 204, refused=404, scope="unowned"),
    # Who may not see the brand's spending sees their own.
    api("usage", GET, query="group==brand", scope="list"),
    api("usage", GET, query="brand=slug", scope="brand", shows=False),
    api("ledger", GET, scope="list"),
    api("ledger-csv", GET, scope="list", file=True),
    api("ledger-csv", GET, verb="see_spend", query="brand=slug", scope="brand", file=True),
    api("spending", GET, scope="list", shows=False),
    api("spending", GET, query="brand=slug", scope="brand"),
    api("spending-stop", POST, verb="stop_spending", scope="brand", body="stopping"),
    api("spending-resume", POST, verb="stop_spending", scope="brand", body="resuming"),
    api("spending-corrections", POST, verb="super", ok=201, scope="brand", body="correcting", but=NOT_TOLD),
    api("health", GET, scope="site"),
    api("health-live", GET, scope="open", shows=False),
    api("health-ready", GET, scope="open", shows=False),
]
HISTORIES = [
    admin("editchain_changelist", GET, scope="list"),
    admin("editchain_changelist", POST, scope="list", writes=False),
    admin("editchain_add", GET, verb="generate", scope="any", shows=False),
    admin("editchain_add", POST, verb="generate", ok=302, outside=302, body="say_begin", but=NO_INGEST),
    admin("editchain_change", GET, "chain"),
    admin("editchain_change", POST, "chain", "generate", 302, body="say_rename"),
    admin("editchain_live", GET, "chain"),
    admin("editchain_offers", POST, "chain", "generate", body="step_form", writes=False, shows=False),
    admin("editchain_draft", POST, "chain", "generate", body="say_draft", shows=False),
    admin("editchain_files", POST, "chain", "generate", body="painted_form", shows=False),
    admin("editchain_file", GET, "chain edit_file", file=True, shows=False),
    admin("editchain_pick", GET, "chain", shows=False),
    # Nothing of it is made or was measured: whoever may look learns that, and nobody else.
    admin("editchain_partial", GET, "chain working_job =0", ok=404, shows=False),
    admin("editchain_heat", GET, "chain raw", ok=404, shows=False),
    *stock("editchain", "chain", "own", add=False),
]
HISTORY_FILES = [
    admin("editchain_archive", GET, "chain", file=True),
    admin("editchain_import", GET, verb="generate", scope="any", shows=False),
    admin(
        "editchain_import", POST, verb="ingest", ok=302, outside=200, scope="brand", body="chain_file", but=NO_INGEST
    ),
]
CHANGES = [
    admin("asset_edit", GET, "candidate", "generate"),
    admin("asset_edit", POST, "candidate", "generate", body="change_words", writes=False),
    admin("asset_edit_price", POST, "candidate", "generate", body="change_words", writes=False, shows=False),
    admin("asset_edit_step", GET, "raw chosen"),
    admin("asset_edit_step", POST, "raw undecided", "generate", 302, body="say_use"),
    admin("asset_edit_live", GET, "raw undecided", shows=False),
    # No early version is there: who may look hears the same as who may not.
    admin("asset_edit_early", GET, "raw waiting_step =0", ok=404, refused=404, shows=False),
    admin("editrecipe_changelist", GET, scope="list"),
    admin("editrecipe_changelist", POST, scope="list", writes=False),
    admin("editrecipe_choose", GET, scope="site", shows=False),
    admin("editrecipe_change", GET, "recipe"),
    admin("editrecipe_change", POST, "recipe", "never"),
    admin("editrecipe_replay", GET, "recipe", "generate"),
    admin("editrecipe_replay", POST, "recipe", "generate", body="replay_price", writes=False),
    admin("editrecipe_price", POST, "recipe", "generate", body="replay_price", writes=False, shows=False),
    *stock("editrecipe", "recipe", "own"),
    admin("replay_changelist", GET, scope="list"),
    admin("replay_changelist", POST, scope="list", writes=False),
    admin("replay_change", GET, "replay"),
    admin("replay_change", POST, "replay", "generate", 404, body="retry_nothing", writes=False, shows=False),
    admin("replay_live", GET, "replay", shows=False),
    *stock("replay", "replay", "own"),
]
ROWS = [
    *HISTORIES,
    *HISTORY_FILES,
    *LIBRARY,
    *BRANDS,
    *PROMPTS,
    *SETS,
    *CHANGES,
    *JOBS,
    *MONEY,
    *EVENTS,
    *CHANNELS,
    *FILES,
    *V1_PICTURES,
    *V1_WORK,
    *V1_EDITS,
    *V1_MONEY,
]
