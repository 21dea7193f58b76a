"""Every page of the admin: who may see it, what another brand's people see, and that nothing in it can run."""

from __future__ import annotations

import pytest
from django.urls import get_resolver, reverse

from image_studio.models import EditRecipe, EditStep, Replay, database_now
from image_studio.policy import Policy
from image_studio.workflow.chains import start_chain
from tests import factories
from tests.admin.browser import Page
from tests.admin.conftest import make_staff, signed_in

pytestmark = pytest.mark.django_db

CANARY = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}'


def world(brand, requested_by=None):
    """One of everything in a brand, as the addresses of its pages."""
    channels = factories.make_channels("square", "story")
    asset = factories.make_asset(brand)
    prompt = factories.make_prompt(brand).prompt
    variant_set = factories.make_set(brand, channels=channels, source=asset, locales=("en", "ar"))
    chain = start_chain(Policy.operator(), brand, asset)
    step = EditStep.objects.create(
        chain=chain,
        number=2,
        parent_number=1,
        parent_candidate=0,
        kind="edit",
        outcome="failed",
        created_at=database_now(),
    )
    steps = [{"kind": "edit", "instruction": "Greener", "route": "reframe"}]
    recipe = EditRecipe.objects.create(brand=brand, name="Green", steps=steps, actor_label="operator")
    replay = Replay.objects.create(brand=brand, recipe=recipe, title="Green", actor_label="operator")
    return {
        "change": reverse("admin:image_studio_asset_edit", args=[asset.pk]),
        "replace": reverse("admin:image_studio_asset_replace", args=[asset.pk]),
        "change_result": reverse("admin:image_studio_asset_edit_step", args=[asset.pk, step.pk]),
        "change_live": reverse("admin:image_studio_asset_edit_live", args=[asset.pk, step.pk]),
        "recipe": reverse("admin:image_studio_editrecipe_change", args=[recipe.pk]),
        "recipe_replay": reverse("admin:image_studio_editrecipe_replay", args=[recipe.pk]),
        "replay": reverse("admin:image_studio_replay_change", args=[replay.pk]),
        "replay_live": reverse("admin:image_studio_replay_live", args=[replay.pk]),
        "brand": reverse("admin:image_studio_brand_change", args=[brand.pk]),
        "brand_export": reverse("admin:image_studio_brand_export", args=[brand.pk]),
        "brand_revision": reverse("admin:image_studio_brand_revision", args=[brand.pk, 1]),
        "brand_file": reverse("admin:image_studio_brand_file", args=[brand.pk, brand.kit.logos[0].sha256]),
        "brand_layout": reverse("admin:image_studio_brand_layout", args=[brand.pk, "square", "ar"]),
        "brand_history": reverse("admin:image_studio_brand_history", args=[brand.pk]),
        "asset": reverse("admin:image_studio_asset_change", args=[asset.pk]),
        "asset_picture": reverse("admin:image_studio_asset_picture", args=[asset.pk, "preview"]),
        "asset_review_one": reverse("admin:image_studio_asset_review_one", args=[asset.pk]),
        "asset_history": reverse("admin:image_studio_asset_history", args=[asset.pk]),
        "prompt": reverse("admin:image_studio_prompt_change", args=[prompt.pk]),
        "prompt_history": reverse("admin:image_studio_prompt_history", args=[prompt.pk]),
        "sheet": reverse("admin:image_studio_variantset_change", args=[variant_set.pk]),
        "inspect": reverse(
            "admin:image_studio_variantset_inspect", args=[variant_set.pk, variant_set.variants.first().pk]
        ),
        "live": reverse("admin:image_studio_variantset_live", args=[variant_set.pk]),
        "compare": reverse("admin:image_studio_variantset_compare", args=[variant_set.pk]),
        "set_history": reverse("admin:image_studio_variantset_history", args=[variant_set.pk]),
        "job": reverse("admin:image_studio_job_change", args=[variant_set.jobs.first().pk]),
        "settle": reverse("admin:image_studio_job_settle", args=[variant_set.jobs.first().pk]),
        "generate": reverse("admin:image_studio_variantset_generate") + f"?source={asset.pk}",
        "workbench": reverse("admin:image_studio_editchain_change", args=[chain.pk]),
        "workbench_live": reverse("admin:image_studio_editchain_live", args=[chain.pk]),
        "workbench_pick": reverse("admin:image_studio_editchain_pick", args=[chain.pk]),
        "workbench_history": reverse("admin:image_studio_editchain_history", args=[chain.pk]),
    }


SHARED = [
    "brand_changelist",
    "asset_changelist",
    "asset_add",
    "asset_pick",
    "asset_review",
    "prompt_changelist",
    "prompt_add",
    "channel_changelist",
    "variantset_changelist",
    "variantset_generate",
    "editchain_changelist",
    "editchain_add",
    "editchain_import",
    "editrecipe_changelist",
    "editrecipe_choose",
    "replay_changelist",
    "job_changelist",
    "job_unknown",
    "ledgerentry_changelist",
    "ledgerentry_spend",
    "ledgerentry_switch",
    "ledgerentry_correct",
    "budget_changelist",
    "budget_add",
    "event_changelist",
    "brand_import",
]


#: Of these, what no brand's manager may do.
SITES = ("ledgerentry_correct",)


def shared_urls():
    return {name: reverse(f"admin:image_studio_{name}") for name in SHARED}


def test_pages_open_for_a_superuser_without_anything_inline(boss, brand):
    pages = {**world(brand), **shared_urls(), "brand_add": reverse("admin:image_studio_brand_add")}
    channel = factories.make_channels("square")[0]
    pages["channel"] = reverse("admin:image_studio_channel_change", args=[channel.pk])
    for name, url in pages.items():
        response = boss.get(url)
        assert response.status_code == 200, (name, response.status_code)
        if response.headers["Content-Type"].startswith("text/html"):
            assert Page.of(response).inline == [], name


@pytest.mark.parametrize("role", ["viewer", "creator", "reviewer", "manager"])
def test_another_brand_does_not_exist(role, brand):
    stranger = signed_in(make_staff(role, brand=factories.make_brand()))
    for name, url in world(brand).items():
        wanted = (404,) if name != "generate" else (200, 403)
        response = stranger.get(url)
        assert response.status_code in wanted, (name, response.status_code)
        assert brand.name not in response.content.decode(errors="replace"), name


def test_lists_hold_only_the_persons_brands(brand):
    world(brand)
    stranger = signed_in(make_staff("manager", brand=factories.make_brand()))
    for name, url in shared_urls().items():
        response = stranger.get(url)
        assert response.status_code == (403 if name in SITES else 200), name
        assert brand.name not in response.content.decode(), name


def test_anonymous_visitors_are_sent_to_the_login(client, brand):
    for name, url in {**world(brand), **shared_urls()}.items():
        response = client.get(url)
        assert response.status_code == 302, name
        assert "/login/" in response["Location"], name


def test_members_without_django_permissions_are_kept_out(brand):
    pages = {**world(brand), **shared_urls()}
    staff = signed_in(factories.make_user("manager", brand=brand, is_staff=True))
    for name, url in pages.items():
        if name == "asset_picture":  # a picture is its brand's business; no admin page is needed to look at it
            continue
        assert staff.get(url).status_code in (403, 404), name


def test_own_only_members_see_only_what_they_made(brand):
    user = make_staff("creator", brand=brand, own_only=True)
    client = signed_in(user)
    theirs = factories.make_asset(brand, title="Somebody else's")
    own = factories.make_asset(brand, title="My own", created_by=user)
    listed = Page.of(client.get(reverse("admin:image_studio_asset_changelist"))).text
    assert "My own" in listed
    assert "Somebody else" not in listed
    assert client.get(reverse("admin:image_studio_asset_change", args=[own.pk])).status_code == 200
    assert client.get(reverse("admin:image_studio_asset_change", args=[theirs.pk])).status_code == 404


def test_a_viewer_finds_no_button_that_changes_anything(as_role, brand):
    viewer = as_role("viewer")
    pages = world(brand)
    for name in ("sheet", "inspect", "asset", "brand"):
        page = Page.of(viewer.get(pages[name]))
        posts = [b for b in page.buttons if b[2] and b[2].get("action", "") != reverse("admin:logout")]
        assert [b for b in posts if b[0] in ("do", "_save")] == [], name


def test_no_url_of_the_studio_is_forgotten_here(brand):
    """A new page fails until it stands in the matrix above, or among the posts that have tests of their own."""
    listed = {url.rstrip("/").split("?")[0] for url in [*world(brand).values(), *shared_urls().values()]}
    names = {name for name in _admin_names() if name.startswith("image_studio_")}
    tested = {get_resolver().resolve(url + "/").url_name for url in listed}
    elsewhere = {
        "image_studio_asset_say",
        "image_studio_asset_review_say",
        "image_studio_asset_upload",
        "image_studio_job_partial",
        "image_studio_ledgerentry_csv",
        "image_studio_variantset_say",
        "image_studio_variantset_cell",
        "image_studio_variantset_finish",
        "image_studio_variantset_partial",
        "image_studio_variantset_price",
        "image_studio_variantset_zip",
        "image_studio_brand_add",
        "image_studio_channel_change",
        "image_studio_editchain_offers",
        "image_studio_editchain_draft",
        "image_studio_editchain_files",
        "image_studio_editchain_file",
        "image_studio_editchain_heat",
        "image_studio_editchain_partial",
        "image_studio_editchain_archive",
        "image_studio_asset_edit_price",
        "image_studio_asset_edit_early",
        "image_studio_editrecipe_price",
    }
    standard = {n for n in names if n.endswith(("_delete", "_add", "_history", "_change", "_changelist"))}
    assert names - tested - elsewhere - standard == set()


def _admin_names():
    admin_urls = next(p for p in get_resolver().url_patterns if getattr(p, "app_name", "") == "admin")
    return {
        pattern.name
        for entry in admin_urls.url_patterns
        for pattern in getattr(entry, "url_patterns", [entry])
        if getattr(pattern, "name", None)
    }


def test_text_from_people_runs_nowhere(boss):
    brand = factories.make_brand(
        name=CANARY,
        voice=CANARY,
        guidance=CANARY,
        terms=(factories.Term(text=CANARY),),
        lines=(factories.Line(key="headline", locale="en", text=CANARY),),
    )
    asset = factories.make_asset(
        brand, title=CANARY, alt={"en": CANARY}, rights_owner=CANARY, recipe={"prompt": CANARY}
    )
    prompt = factories.make_prompt(
        brand, "A <b>bottle</b> {mood}", variables=[{"name": "mood", "default": CANARY}]
    ).prompt
    prompt.name = CANARY
    prompt.save()
    variant_set = factories.make_set(brand, source=asset, texts={"headline": {"en": CANARY}})
    variant_set.title, variant_set.prompt_text = CANARY, CANARY
    variant_set.save()
    cell = variant_set.variants.first()
    cell.asset, cell.state = asset, "ready"
    cell.save()
    asset.verdicts.create(check_name=CANARY[:60], kind="measured", verdict="fail", code="no.words<script>", blocks=True)
    asset.reviews.create(decision="reject", note=CANARY, reviewer_label=CANARY, sha256=asset.sha256)
    job = factories.make_job(brand, variant_set=variant_set, error_code="provider.refused<script>", actor_label=CANARY)
    pages = [
        *(
            reverse(f"admin:image_studio_{name}_changelist")
            for name in ("brand", "asset", "prompt", "variantset", "job", "event")
        ),
        reverse("admin:image_studio_brand_change", args=[brand.pk]),
        reverse("admin:image_studio_brand_revision", args=[brand.pk, 1]),
        reverse("admin:image_studio_asset_change", args=[asset.pk]),
        reverse("admin:image_studio_prompt_change", args=[prompt.pk]),
        reverse("admin:image_studio_variantset_change", args=[variant_set.pk]),
        reverse("admin:image_studio_variantset_inspect", args=[variant_set.pk, cell.pk]),
        reverse("admin:image_studio_job_change", args=[job.pk]),
        reverse("admin:image_studio_variantset_generate"),
        reverse("admin:image_studio_variantset_generate") + f"?source={asset.pk}",
        reverse("admin:image_studio_variantset_generate") + f"?prompt={prompt.pk}",
    ]
    for url in pages:
        page = Page.of(boss.get(url))
        assert page.inline == [], url
        assert "<script>alert" not in page.html, url
        assert "<img src=x" not in page.html, url
        assert "49" not in [text.strip('"> ') for text in page.texts], url


def test_broken_ids_are_not_found(boss):
    for name in ("asset", "brand", "prompt", "variantset", "job"):
        assert boss.get(reverse(f"admin:image_studio_{name}_change", args=["nonsense"])).status_code == 404
    assert (
        boss.get(reverse("admin:image_studio_asset_change", args=["00000000-0000-7000-8000-000000000000"])).status_code
        == 404
    )


def test_nothing_is_deleted_in_the_admin(boss, brand):
    asset = factories.make_asset(brand)
    assert boss.post(reverse("admin:image_studio_asset_delete", args=[asset.pk]), {"post": "yes"}).status_code == 403
    assert boss.post(reverse("admin:image_studio_brand_delete", args=[brand.pk]), {"post": "yes"}).status_code == 403


def test_the_admin_works_where_the_studios_addresses_are_not_included(boss, brand, settings):
    settings.ROOT_URLCONF = "tests.fakes.admin_only"
    for name, url in world(brand).items():
        assert boss.get(url).status_code == 200, name
