"""Money over REST: budgets, the switch, corrections, usage, the ledger, and calls of unknown outcome."""

from __future__ import annotations

import csv
import io

import pytest

from image_studio import testing
from image_studio.models import Budget, IdempotencyKey, Job, LedgerEntry, Switch
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.spending import stop_spending
from tests import factories
from tests.api.conftest import API, is_problem
from tests.ledger.money import PLAIN, PRICE, assert_true, held, order, sums

pytestmark = pytest.mark.django_db


@pytest.fixture
def fake(tmp_path, settings):
    def configure(*script):
        ledger = tmp_path / "ledger.jsonl"
        settings.IMAGE_STUDIO = {**PLAIN, **testing.fake_settings(ledger=ledger, script=script or ("ok",))}
        return ledger

    return configure


@pytest.fixture
def brand():
    return factories.make_brand()


def api(role, brand, **fields):
    return API(factories.make_user(role, brand=brand, **fields))


@pytest.fixture
def job(fake, brand):
    fake("unknown", "ok")
    made = order(brand)
    drain()
    return made.jobs.get()


# What trying again costs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "rows"), [("refused", 1), ("fewer", 1)])
def test_a_cell_says_what_a_retry_holds_and_then_holds_it(fake, brand, word, rows):
    fake(word, "ok")
    made = order(brand, takes=2, locales=("en", "ar"))
    drain()
    client = api("creator", brand)
    cells = client.read(f"variant-sets/{made.pk}/cells/")["results"]
    bought = {row["again"]["picture"]: row["again"]["most"] for row in cells if row["again"]}
    # A whole call is bought again, or the one picture of it that did not come; its languages share it.
    assert list(bought.values()) == [2 * PRICE if word == "refused" else PRICE] * rows
    assert all(("retry" in row["actions"]) is bool(row["again"]) for row in cells)
    client.ask("POST", f"variant-sets/{made.pk}/retry/", {}, status=202, idempotency_key="k")
    assert held() == sum(bought.values())
    drain()
    cells = client.read(f"variant-sets/{made.pk}/cells/")["results"]
    assert [row["again"] for row in cells] == [None] * 4
    assert_true()


@pytest.mark.parametrize("door", ["set", "cell", "job"])
def test_a_retry_holds_no_more_than_its_asker_was_told(fake, brand, door):
    fake("refused", "ok")
    made = order(brand)
    drain()
    client, job = api("creator", brand), made.jobs.get()
    assert client.read(f"jobs/{job.pk}/")["again"] == {"picture": f"{job.pk}:0", "most": PRICE}
    path = {
        "set": f"variant-sets/{made.pk}/retry/",
        "cell": f"variant-sets/{made.pk}/cells/{made.variants.get().pk}/retry/",
        "job": f"jobs/{job.pk}/retry/",
    }[door]
    problem = client.ask("POST", path, {"most_micro_usd": PRICE - 1}, Idempotency_Key="k")
    is_problem(problem, 409, "price.risen")
    assert (held(), made.jobs.get().state) == (0, "failed")
    # It was refused: its key is free for what the asker thinks of it now.
    client.ask("POST", path, {"most_micro_usd": PRICE}, status=202, Idempotency_Key="k")
    assert held() == PRICE
    assert client.read(f"jobs/{job.pk}/")["again"] is None
    assert_true()


def test_what_nobody_could_price_binds_nothing(fake, brand):
    fake("refused", "ok")
    made = order(brand)
    drain()
    path = f"variant-sets/{made.pk}/retry/"
    api("creator", brand).ask("POST", path, {"most_micro_usd": None}, status=202, Idempotency_Key="k")
    assert held() == PRICE


@pytest.mark.parametrize("wrong", [-1, "much", True, 1.5, 10**15 + 1])
def test_a_most_that_is_no_sum_changes_nothing(fake, brand, wrong):
    fake("refused")
    made = order(brand)
    drain()
    path = f"variant-sets/{made.pk}/retry/"
    answer = api("creator", brand).ask("POST", path, {"most_micro_usd": wrong}, Idempotency_Key="k")
    is_problem(answer, 400, "request.invalid")
    assert made.jobs.get().state == "failed"


def test_a_price_that_nobody_knows_is_said_to_be_unknown(fake, brand, monkeypatch):
    fake("refused")
    made = order(brand)
    drain()
    monkeypatch.setattr("image_studio.workflow.cells._most", lambda _job: None)
    (row,) = api("creator", brand).read(f"variant-sets/{made.pk}/cells/")["results"]
    assert row["again"] == {"picture": f"{made.jobs.get().pk}:0", "most": None}


def test_what_is_free_to_try_again_buys_nothing(fake, brand):
    fake()
    made = order(brand, route="placeholder")
    client = api("creator", brand)
    client.ask("POST", f"variant-sets/{made.pk}/cancel/", {}, status=200)
    (row,) = client.read(f"variant-sets/{made.pk}/cells/")["results"]
    assert (row["again"], row["actions"]) == (None, ["retry"])


# Unknown outcomes --------------------------------------------------------------------------------------------------


def test_a_doubt_is_listed_with_what_it_holds_and_what_may_be_done(job, brand):
    creator = api("creator", brand)
    (row,) = creator.read("unknowns/")["results"]
    assert (row["job"], row["brand"], row["held_micro_usd"], row["here"]) == (str(job.pk), brand.slug, PRICE, True)
    seen = creator.read(f"jobs/{job.pk}/")
    assert (seen["state"], seen["actions"]) == ("unknown", ["adopt", "resend"])
    assert api("manager", brand).read(f"jobs/{job.pk}/")["actions"] == ["adopt", "resend", "write_off"]
    assert api("manager", factories.make_bare_brand()).read("unknowns/")["results"] == []


def test_a_resend_needs_a_key_and_sends_once(job, brand):
    creator, path = api("creator", brand), f"jobs/{job.pk}/resend/"
    is_problem(creator.ask("POST", path, {}), 400, "idempotency.key_missing")
    answers = [creator.ask("POST", path, {}, status=202, Idempotency_Key="k") for _time in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert int(answers[0]["Retry-After"]) >= 1
    assert Job.objects.get().resends == 1
    assert held() == 2 * PRICE
    # Another's same key is another's: the job waits already.
    is_problem(api("creator", brand).ask("POST", path, {}, Idempotency_Key="k"), 409, "job.not_unknown")
    drain()
    assert creator.read(f"jobs/{job.pk}/")["state"] == "done"
    assert_true()


def test_a_resend_holds_no_more_than_its_asker_was_told(job, brand):
    creator, path = api("creator", brand), f"jobs/{job.pk}/resend/"
    assert creator.read(f"jobs/{job.pk}/")["again"]["most"] == PRICE
    problem = creator.ask("POST", path, {"most_micro_usd": PRICE - 1}, Idempotency_Key="k")
    is_problem(problem, 409, "price.risen")
    assert (Job.objects.get().resends, held()) == (0, PRICE)
    creator.ask("POST", path, {"most_micro_usd": PRICE}, status=202, Idempotency_Key="k")
    assert held() == 2 * PRICE


def test_a_write_off_is_the_managers_and_says_the_sum(job, brand):
    path = f"jobs/{job.pk}/write-off/"
    said = {"charged_micro_usd": 123, "note": "usage page"}
    assert api("creator", brand).ask("POST", path, said).status_code == 403
    assert api("manager", factories.make_bare_brand()).ask("POST", path, said).status_code == 404
    done = api("manager", brand).say(path, said, status=200)
    assert (done["state"], done["cost_micro_usd"], done["error"]["code"]) == ("failed", 123, "job.written_off")
    assert sums() == (0, 123)
    is_problem(api("manager", brand).ask("POST", path, {"note": "x"}), 409, "job.not_unknown")
    assert_true()


def test_nothing_to_adopt_is_a_conflict(job, brand):
    is_problem(api("creator", brand).ask("POST", f"jobs/{job.pk}/adopt/", {}), 409, "job.nothing_to_adopt")


@pytest.mark.parametrize("body", [{"charged_micro_usd": -1, "note": "x"}, {"charged_micro_usd": "much", "note": "x"}])
def test_a_sum_that_is_none_changes_nothing(job, brand, body):
    assert api("manager", brand).ask("POST", f"jobs/{job.pk}/write-off/", body).status_code in (400, 422)
    assert Job.objects.get().state == "unknown"


# Budgets and the switch --------------------------------------------------------------------------------------------


def test_a_budget_is_made_changed_and_removed_by_its_manager(brand):
    manager = api("manager", brand)
    made = manager.say("budgets/", {"brand": brand.slug, "hard_micro_usd": 1_000_000}, status=201)
    assert (made["level"], made["period"], made["left_micro_usd"]) == ("brand", "month", 1_000_000)
    is_problem(manager.ask("POST", "budgets/", {"brand": brand.slug, "hard_micro_usd": 5}), 409, "budget.exists")
    changed = manager.say(f"budgets/{made['id']}/", {"soft_micro_usd": 500_000}, method="PATCH", status=200)
    assert (changed["soft_micro_usd"], changed["hard_micro_usd"]) == (500_000, 1_000_000)
    assert [row["id"] for row in manager.read("budgets/")["results"]] == [made["id"]]
    for stranger in (api("manager", factories.make_bare_brand()), api("creator", brand)):
        assert stranger.ask("DELETE", f"budgets/{made['id']}/").status_code in (403, 404)
        assert stranger.ask("POST", "budgets/", {"brand": brand.slug, "hard_micro_usd": 5}).status_code in (403, 404)
    assert manager.ask("POST", "budgets/", {"hard_micro_usd": 5}).status_code == 403
    manager.ask("DELETE", f"budgets/{made['id']}/", status=204)
    assert not Budget.objects.exists()


def test_an_order_without_room_is_409_and_its_key_stays_free(fake, brand):
    fake()
    creator = api("creator", brand)
    api("manager", brand).say("budgets/", {"brand": brand.slug, "hard_micro_usd": PRICE}, status=201)
    (channel,) = factories.make_channels("square")
    body = {
        "brand": brand.slug,
        "route": "fake",
        "channels": [channel.slug],
        "locales": ["en"],
        "takes": 2,
        "prompt": str(factories.make_prompt(brand, "A bottle").prompt_id),
    }
    seen = creator.say("variant-sets/preview/", body, status=200)
    assert [one["code"] for one in seen["findings"]] == ["budget.spent"]
    is_problem(creator.ask("POST", "variant-sets/", body, Idempotency_Key="k"), 409, "budget.spent")
    assert not IdempotencyKey.objects.exists()
    creator.ask("POST", "variant-sets/", {**body, "takes": 1}, Idempotency_Key="k", status=202)
    assert held() == PRICE
    assert_true()


def test_the_switch(fake, brand):
    fake()
    manager, viewer = api("manager", brand), api("viewer", brand)
    assert viewer.ask("POST", "spending/stop/", {"brand": brand.slug, "reason": "x"}).status_code == 403
    assert manager.ask("POST", "spending/stop/", {"reason": "x"}).status_code == 403
    manager.say("spending/stop/", {"brand": brand.slug, "reason": "the bill"}, status=200)
    (row,) = viewer.read("spending/")["brands"]
    assert (row["stopped"], row["reason"], row["actions"]) == (True, "the bill", [])
    manager.say("spending/resume/", {"brand": brand.slug}, status=200)
    assert viewer.read("spending/")["brands"] == []


@pytest.mark.parametrize(("verb", "body"), [("stop", {"reason": "x"}), ("resume", {}), ("resume", None)])
def test_a_brand_in_the_query_never_stops_or_opens_the_whole_site(brand, verb, body):
    boss = api("", None, is_superuser=True)
    stop_spending(Policy.operator(), reason="the bill")
    Switch.objects.update(stopped=verb == "resume")
    answer = boss.ask("POST", f"spending/{verb}/?brand={brand.slug}", body, status=400)
    assert "brand" in answer.json()["errors"]
    assert list(Switch.objects.values_list("scope", "stopped")) == [("site", verb == "resume")]


def test_a_verb_that_there_is_not_stays_405_with_a_query(brand):
    boss = api("manager", brand)
    for path in ("usage/", "usage/?since=2026-01-01"):
        assert boss.ask("POST", path, {}).status_code == 405


def test_a_correction_is_entered_once(brand):
    boss = api("", None, is_superuser=True)
    said = {"brand": brand.slug, "micro_usd": -500, "note": "May's bill"}
    for _time in range(2):
        boss.ask("POST", "spending/corrections/", said, Idempotency_Key="c", status=201)
    assert LedgerEntry.objects.get().spent_micro_usd == -500
    is_problem(
        boss.ask("POST", "spending/corrections/", {**said, "micro_usd": 1}, Idempotency_Key="c"),
        422,
        "idempotency.other_body",
    )
    for role in ("creator", "manager"):
        assert api(role, brand).ask("POST", "spending/corrections/", said, Idempotency_Key="c").status_code == 403


# Usage and the ledger ----------------------------------------------------------------------------------------------


def test_usage_and_ledger_say_what_the_books_say(fake, brand):
    books = fake()
    creator = factories.make_user("creator", brand=brand)
    order(brand, user=creator, takes=2)
    drain()
    charged = sum(one["micro_usd"] for one in testing.charges(books))
    manager = api("manager", brand)
    usage = manager.read("usage/")
    assert usage["total"]["spent"] == charged == 2 * PRICE
    assert [row["kind"] for row in manager.read("ledger/")["results"]] == ["settle", "hold"]
    table = b"".join(manager.ask("GET", "ledger/csv/", status=200).streaming_content).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(table)))
    assert len(lines) == 3
    stranger = api("manager", factories.make_bare_brand())
    assert stranger.read("ledger/")["results"] == []
    assert stranger.read("usage/")["total"]["spent"] == 0
    # Who asked for it sees their own.
    assert API(creator).read("usage/")["total"]["spent"] == charged


def test_usage_is_told_by_day_model_and_brand_with_the_cost_of_an_approved_picture(fake, brand):
    fake()
    made = order(brand, user=factories.make_user("creator", brand=brand), takes=3)
    drain()
    manager = api("manager", brand)
    first = made.variants.order_by("take").first().asset
    said = {"decision": "approve", "declaration": list(factories.DECLARED)}
    manager.say(f"assets/{first.pk}/reviews/", said, status=201)
    found = {group: manager.read(f"usage/?group={group}") for group in ("day", "model", "brand")}
    for group, report in found.items():
        assert (report["group"], report["whose"]) == (group, "brands")
        assert sum(row["spent"] for row in report["rows"]) == report["total"]["spent"] == 3 * PRICE
        assert (report["total"]["approved"], report["total"]["per_approved"]) == (1, 3 * PRICE)
        assert report["total"]["per_picture"] == PRICE
    days = [row["key"] for row in found["day"]["rows"]]
    assert (days[0], days[-1]) == (found["day"]["since"], found["day"]["until"])
    assert [row["key"] for row in found["model"]["rows"]] == [made.jobs.first().model]
    (row,) = found["brand"]["rows"]
    assert (row["key"], row["name"], row["approved"], row["per_approved"]) == (brand.slug, brand.name, 1, 3 * PRICE)
    # The job and the set say the same of themselves.
    cost = manager.read(f"variant-sets/{made.pk}/")["cost"]
    assert (cost["spent"], cost["held"], cost["approved"]) == (3 * PRICE, 0, 1)
    assert sum(manager.read(f"jobs/{job.pk}/")["cost"]["spent"] for job in made.jobs.all()) == 3 * PRICE


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("group=week", 400),
        ("since=2027-13-01", 400),
        ("since=yesterday", 400),
        ("sinse=2027-01-01", 400),
        ("since=2027-02-01&until=2027-01-01", 422),
        ("since=1999-01-01&until=2027-01-01", 422),
        ("brand=nobodys", 404),
    ],
)
def test_a_report_that_cannot_be_made_is_refused(brand, query, status):
    assert api("manager", brand).ask("GET", f"usage/?{query}").status_code == status


def test_who_may_not_see_a_brands_spending_sees_their_own(fake, brand):
    fake()
    mara, otis = (factories.make_user("creator", brand=brand) for _one in range(2))
    order(brand, user=mara, takes=2)
    order(brand, user=otis)
    drain()
    for user, spent in ((mara, 2 * PRICE), (otis, PRICE)):
        report = API(user).read(f"usage/?brand={brand.slug}")
        assert (report["whose"], report["total"]["spent"]) == ("own", spent)
        assert sum(row["spent_micro_usd"] for row in API(user).read("ledger/")["results"]) == spent
        assert API(user).ask("GET", f"ledger/csv/?brand={brand.slug}").status_code == 403
    assert api("viewer", brand).read("ledger/")["results"] == []
    assert api("manager", brand).read("usage/")["total"]["spent"] == 3 * PRICE


def test_the_ledger_is_narrowed_and_paged(fake, brand):
    fake()
    one, other = (order(brand, user=factories.make_user("creator", brand=brand)) for _order in range(2))
    drain()
    manager = api("manager", brand)
    (job,) = one.jobs.all()
    rows = manager.read(f"ledger/?job={job.pk}")["results"]
    assert {row["job"] for row in rows} == {str(job.pk)}
    assert sum(row["held_micro_usd"] for row in rows) == 0
    assert sum(row["spent_micro_usd"] for row in rows) == PRICE
    assert [row["kind"] for row in manager.read(f"ledger/?variant_set={other.pk}&kind=settle")["results"]] == ["settle"]
    assert manager.read("ledger/?until=2020-01-01")["results"] == []
    assert manager.ask("GET", "ledger/?job=none").status_code == 400
    every = manager.read("ledger/")["results"]
    first = manager.read("ledger/?limit=3")
    assert first["results"] + manager.read(first["next"])["results"] == every
    assert len(every) == 4


def test_a_persons_budget_is_of_a_member_and_they_see_it(brand):
    manager, mara = api("manager", brand), factories.make_user("creator", brand=brand)
    body = {"brand": brand.slug, "user": mara.get_username(), "period": "day", "hard_micro_usd": 7}
    made = manager.say("budgets/", body, status=201)
    assert made["user"]["name"] == mara.get_username()
    (row,) = API(mara).read("budgets/")["results"]
    assert (row["id"], row["actions"]) == (made["id"], [])
    assert API(mara).ask("PATCH", f"budgets/{made['id']}/", {"hard_micro_usd": 8}).status_code == 403
    # Who is no member, and who is nobody, are told apart for nobody.
    outside = factories.make_user("creator", brand=factories.make_bare_brand()).get_username()
    told = [manager.ask("POST", "budgets/", {**body, "user": name}) for name in (outside, "nobody")]
    assert [(answer.status_code, answer.json()["code"]) for answer in told] == [(422, "budget.not_member")] * 2
    boss = API(factories.make_user(username="ada", is_superuser=True))
    assert boss.say("budgets/", {"hard_micro_usd": 9}, status=201)["level"] == "site"
