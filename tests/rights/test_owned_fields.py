"""What only the server writes: state, origin, cost, owner and approver, whoever says otherwise."""

from __future__ import annotations

import pytest
from django.urls import reverse

from image_studio.models import Asset, EditChain, Event, Job, Prompt, PromptVersion, Review, VariantSet
from tests.rights import bodies
from tests.rights.world import difference, snapshot

pytestmark = pytest.mark.django_db
V1 = "/studio/v1/"
#: A claim for each field of the server's, as a client might word it.
CLAIMS = {
    "id": "01890000-0000-7000-8000-000000000001",
    "state": "published",
    "origin": "provider",
    "kind": "composed",
    "source_type": "digitalCapture",
    "publishable": True,
    "provider": "previs",
    "recipe": {"request": {"prompt": "forged"}},
    "micro_usd": 1,
    "cost": 1,
    "cost_micro_usd": 1,
    "estimate_micro_usd": 0,
    "owner": 1,
    "created_by": 1,
    "requested_by": 1,
    "actor_label": "forged",
    "operator": True,
    "approver": 1,
    "reviewer": 1,
    "reviewer_label": "forged",
    "sha256": "0" * 64,
    "width": 1,
    "revision": 1,
    "published_at": "2020-01-01T00:00:00Z",
    "created_at": "2020-01-01T00:00:00Z",
    "used_at": "2020-01-01T00:00:00Z",
    "publish_job": None,
    "change_asked": None,
    "parent": None,
    "file": "image_studio/raw/aa/forged.png",
    "fingerprint": 1,
    "words": "forged",
    "held_micro_usd": 0,
    "spent_micro_usd": 0,
    "left_micro_usd": 1,
    "resends": 0,
    "level": "user",
    "start": "2020-01-01",
}
#: (method, address, what makes the body a good one).
SAID = {
    "a description": ("patch", "assets/{n.candidate.pk}/", {"title": "Renamed"}),
    "an approval": (
        "post",
        "assets/{n.candidate.pk}/reviews/",
        {"decision": "approve", "declaration": list(bodies.factories.DECLARED)},
    ),
    "a rejection": ("post", "assets/{n.candidate.pk}/reviews/", {"decision": "reject", "reason": "off_brand"}),
    "a publication": ("post", "assets/{n.approved.pk}/publish/", {}),
    "a withdrawal": ("post", "assets/{n.public.pk}/withdraw/", {}),
    "a prompt": ("post", "prompts/", {"brand": "northcanary", "slug": "new", "template": "A cup"}),
    "a prompt's name": ("patch", "prompts/{n.prompt.pk}/", {"name": "Renamed"}),
    "a prompt's words": ("post", "prompts/{n.prompt.pk}/versions/", {"template": "A cup"}),
    "an order": (
        "post",
        "variant-sets/",
        {"brand": "northcanary", "route": "placeholder", "channels": ["square"], "locales": ["en"]},
    ),
    "a set's retry": ("post", "variant-sets/{n.set.pk}/retry/", {}),
    "a set's words": ("post", "variant-sets/{n.set.pk}/recompose/", {}),
    "a set's cancel": ("post", "variant-sets/{n.other_set.pk}/cancel/", {}),
    "a job's retry": ("post", "jobs/{n.failed_job.pk}/retry/", {}),
    "a job's cancel": ("post", "jobs/{n.waiting.pk}/cancel/", {}),
    "a chain's fork": ("post", "chains/{n.chain.pk}/fork/", {"step": 2}),
    "a chain's head": ("post", "chains/{n.chain.pk}/head/", {"step": 3, "seen": 2}),
    "a choice": ("post", "chains/{n.chain.pk}/steps/3/choose/", {"candidate": 0}),
    "a step's rejection": ("post", "chains/{n.chain.pk}/steps/3/reject/", {"reason": "quality"}),
    "a step's retry": ("post", "chains/{n.chain.pk}/steps/4/retry/", {}),
    "a step's recipe": ("post", "chains/{n.chain.pk}/steps/2/recipe/", {"name": "A recipe"}),
    "a change": ("post", "assets/{n.raw.pk}/change/", bodies.WIDER),
    "a mask": ("post", "chains/{n.chain.pk}/masks/", {"region": [0.2, 0.2, 0.3, 0.3]}),
    "a resend": ("post", "jobs/{n.doubtful_job.pk}/resend/", {}),
    "an adoption": ("post", "jobs/{n.doubtful_job.pk}/adopt/", {}),
    "a write-off": ("post", "jobs/{n.doubtful_job.pk}/write-off/", {"note": "seen"}),
    "a budget": ("post", "budgets/", {"brand": "northcanary", "period": "day", "hard_micro_usd": 1}),
    "a budget's limit": ("patch", "budgets/{n.budget.pk}/", {"hard_micro_usd": 1}),
    "a stop": ("post", "spending/stop/", {"brand": "northcanary", "reason": "seen"}),
    "a replay": ("post", "recipes/{n.recipe.pk}/replay/", {"assets": ["01890000-0000-7000-8000-000000000000"]}),
}


@pytest.mark.parametrize(("method", "path", "good"), SAID.values(), ids=SAID)
def test_the_api_takes_no_claim(world, method, path, good):
    """Refused by name, each of them: what is ignored looks as if it had been taken."""
    before, client = snapshot(), world.programs["superuser"]
    if "orders" in path or path == "variant-sets/":
        good = {**good, "prompt": str(world.north.prompt.pk)}
    for name, value in CLAIMS.items():
        answer = getattr(client, method)(V1 + path.format(n=world.north), **bodies.sent({**good, name: value}))
        assert answer.status_code == 400, (name, answer.content)
        assert list(answer.json()["errors"]) == [name]
    assert difference(before, snapshot()) == {}


def test_a_step_takes_no_claim(world):
    """Its ``kind`` and ``parent`` are the client's to say; the rest is not."""
    before, north = snapshot(), world.north
    for name, value in CLAIMS.items():
        if name != "parent":
            said = bodies.sent({**bodies.WIDER, name: value})
            answer = world.programs["superuser"].post(f"{V1}chains/{north.chain.pk}/steps/", **said)
            assert (answer.status_code, list(answer.json()["errors"])) == (400, [name]), answer.content
    assert difference(before, snapshot()) == {}


def test_a_chain_belongs_to_who_begins_it(world):
    north = world.north
    path = f"{V1}chains/"
    body = {"brand": north.brand.slug, "asset": str(north.raw.pk)}
    for name, value in CLAIMS.items():
        said = bodies.sent({**body, name: value})
        assert world.programs["creator"].post(path, **said).status_code == 400, name
    made = EditChain.objects.get(pk=world.programs["creator"].post(path, **bodies.sent(body)).json()["id"])
    assert (made.requested_by, made.actor_label) == (world.users["creator"], "creator-person")


def test_an_uploads_form_takes_no_claim(world):
    before = snapshot()
    for name, value in CLAIMS.items():
        if name == "file":
            continue
        data = {"brand": world.north.brand.slug, "file": bodies.picture(), name: str(value)}
        answer = world.programs["superuser"].post(f"{V1}assets/", data)
        assert answer.status_code == 400, (name, answer.content)
    assert difference(before, snapshot()) == {}


def said_too(body):
    return {**body["data"], **{name: str(value) for name, value in CLAIMS.items() if name != "id"}}


def test_a_pictures_page_takes_no_claim(world):
    north = world.north
    asset = north.candidate
    before = Asset.objects.filter(pk=asset.pk).values().get()
    url = reverse("admin:image_studio_asset_change", args=[asset.pk])
    assert world.browsers["manager"].post(url, said_too(bodies.words_form(world, north))).status_code == 302
    after = Asset.objects.filter(pk=asset.pk).values().get()
    assert {name for name in after if after[name] != before[name]} == {"title", "words"}
    assert "forged" not in after["words"]


def test_a_say_is_in_the_name_of_who_says_it(world):
    asset = world.north.candidate
    url = reverse("admin:image_studio_asset_say", args=[asset.pk])
    data = {**said_too({"data": {}}), "do": "approve", "declaration": bodies.factories.DECLARED, "note": "seen"}
    assert world.browsers["reviewer"].post(url, data, headers=bodies.SCRIPT).status_code == 200
    review = Review.objects.filter(asset=asset).first()
    assert (review.decision, review.reviewer, review.reviewer_label) == (
        "approve",
        world.users["reviewer"],
        "reviewer-person",
    )
    assert (review.sha256, review.override, review.note) == (asset.sha256, False, "seen")
    event = Event.objects.filter(object_id=str(asset.pk)).first()
    assert (event.verb, event.actor_label) == ("asset.approved", "reviewer-person")
    assert Asset.objects.get(pk=asset.pk).state == "approved"


def test_an_upload_belongs_to_who_sends_it(world):
    url = reverse("admin:image_studio_asset_upload")
    data = {**said_too({"data": {}}), "brand": str(world.north.brand.pk)}
    data["file"] = bodies.picture()
    answer = world.browsers["creator"].post(url, data, headers=bodies.SCRIPT)
    assert answer.status_code == 201
    made = Asset.objects.get(pk=answer.json()["id"])
    assert (made.state, made.origin, made.kind, made.micro_usd) == ("candidate", "upload", "raw", 0)
    assert (made.created_by, made.recipe, made.published_at) == (
        world.users["creator"],
        {"origin": "upload"},
        None,
    )


def test_an_order_belongs_to_who_places_it(world):
    north = world.north
    url = reverse("admin:image_studio_variantset_generate") + f"?source={north.raw.pk}"
    answer = world.browsers["creator"].post(url, said_too(bodies.order_form(world, north)))
    assert answer.status_code == 302
    made = VariantSet.objects.first()
    job = Job.objects.get(variant_set=made)
    assert (made.requested_by, made.actor_label) == (world.users["creator"], "creator-person")
    assert (job.requested_by, job.operator, job.state, job.actor_label) == (
        world.users["creator"],
        False,
        "queued",
        "creator-person",
    )
    assert (job.provider, job.cost_micro_usd) == ("previs", 0)


def test_a_prompts_version_names_who_wrote_it(world):
    north = world.north
    url = reverse("admin:image_studio_prompt_change", args=[north.prompt.pk])
    data = {**said_too(bodies.template_form(world, north)), "brand": str(world.south.brand.pk), "labels": "{}"}
    assert world.browsers["creator"].post(url, data).status_code == 302
    prompt, version = Prompt.objects.get(pk=north.prompt.pk), PromptVersion.objects.filter(prompt=north.prompt).first()
    assert (prompt.brand, version.actor_label) == (north.brand, "creator-person")


def test_one_person_cannot_be_two(world):
    """Where the kit wants a second person, who made a picture does not release it, on no way."""
    north = world.north
    kit = {**north.revision.content, "second_person": True}
    type(north.revision).objects.filter(pk=north.revision.pk).update(content=kit)
    assert north.brand.memberships.filter(user=world.users["owner"]).update(role="reviewer") == 1
    before = snapshot()
    approval = {"decision": "approve", "declaration": list(bodies.factories.DECLARED)}
    form = {"do": "approve", "declaration": bodies.factories.DECLARED}
    cell = f"{north.ready.pk}.{north.candidate.pk}.{north.candidate.sha256[:12]}"
    browser, program = world.browsers["owner"], world.programs["owner"]
    pk, admin = north.candidate.pk, "admin:image_studio_"
    answers = [
        program.post(f"{V1}assets/{pk}/reviews/", **bodies.sent(approval)),
        program.post(f"{V1}assets/{pk}/reviews/", **bodies.sent({**approval, "publish": True})),
        browser.post(reverse(f"{admin}asset_say", args=[pk]), form, headers=bodies.SCRIPT),
        browser.post(reverse(f"{admin}asset_review_say", args=[pk]), form, headers=bodies.SCRIPT),
        browser.post(reverse(f"{admin}variantset_inspect", args=[north.set.pk, north.ready.pk]), form),
        browser.post(reverse(f"{admin}variantset_say", args=[north.set.pk]), {**form, "cell": cell}),
    ]
    assert [answer.status_code for answer in answers] == [409] * 6
    assert difference(before, snapshot()) == {}
