"""Who may do what: every verb for every role, in two brands, for users, groups and people at the shell."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from image_studio.exceptions import NotAllowed
from image_studio.models import Asset, Brand, BrandMembership
from image_studio.policy import RANK, VERBS, Policy
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand():
    return factories.make_bare_brand()


@pytest.mark.parametrize("role", list(RANK))
def test_a_role_grants_exactly_the_verbs_of_its_rank(brand, role):
    policy = Policy(factories.make_user(role, brand=brand))
    other = factories.make_bare_brand()
    for verb, least in VERBS.items():
        assert policy.can(verb, brand) is (RANK[role] >= RANK[least]), verb
        assert policy.can(verb, other) is False, verb


def test_roles_grow_and_never_shrink():
    assert RANK == {"viewer": 0, "creator": 1, "reviewer": 2, "manager": 3}
    assert set(VERBS.values()) <= set(RANK)
    for releasing in ("review", "publish", "withdraw"):
        assert RANK[VERBS[releasing]] > RANK[VERBS["generate"]]
    assert VERBS["override"] == VERBS["original"] == VERBS["edit_kit"] == "manager"


def test_someone_without_a_role_may_do_nothing(brand):
    policy = Policy(factories.make_user())
    assert not any(policy.can(verb, brand) for verb in VERBS)
    assert list(policy.brands()) == []
    with pytest.raises(NotAllowed) as refused:
        policy.require("view", brand)
    assert refused.value.params == {"verb": "view", "role": "viewer"}


def test_superusers_and_operators_pass_and_inactive_ones_do_not(brand):
    assert Policy(factories.make_user(is_superuser=True)).can("override", brand)
    assert Policy.operator().can("override", brand)
    assert Policy.operator().actor.label == "operator"
    assert not Policy(factories.make_user(is_superuser=True, is_active=False)).can("view", brand)
    assert not Policy(factories.make_user("manager", brand=brand, is_active=False)).can("view", brand)


def test_a_new_verb_must_be_classified(brand):
    for policy in (Policy.operator(), Policy(factories.make_user())):
        with pytest.raises(KeyError):
            policy.can("teleport", brand)


def test_a_group_grants_what_its_role_says_and_the_higher_right_counts(brand):
    user = factories.make_user("viewer", brand=brand)
    group = Group.objects.create(name=f"reviewers of {brand.slug}")
    user.groups.add(group)
    BrandMembership.objects.create(brand=brand, group=group, role="reviewer")
    policy = Policy(user)
    assert policy.can("publish", brand)
    assert not policy.can("override", brand)


def test_own_only_sees_and_touches_nothing_but_ones_own(brand):
    user = factories.make_user("creator", brand=brand, own_only=True)
    own = factories.make_asset(brand, (64, 64), created_by=user)
    other = factories.make_asset(brand, (64, 64))
    policy = Policy(user)
    assert policy.can("generate", brand)
    assert (policy.can("view", own), policy.can("view", other)) == (True, False)
    assert list(policy.visible(Asset.objects.all())) == [own]


def test_own_only_in_a_group_is_lifted_by_a_whole_right(brand):
    user = factories.make_user("viewer", brand=brand)
    group = Group.objects.create(name=f"end users of {brand.slug}")
    user.groups.add(group)
    BrandMembership.objects.create(brand=brand, group=group, role="creator", own_only=True)
    other = factories.make_asset(brand, (64, 64))
    policy = Policy(user)
    assert list(policy.visible(Asset.objects.all())) == [other]
    assert policy.can("view", other)
    assert not policy.can("describe", other)


def test_only_pictures_of_ones_brands_are_visible(brand):
    mine = factories.make_asset(brand, (64, 64))
    factories.make_asset(factories.make_bare_brand(), (64, 64))
    policy = Policy(factories.make_user("viewer", brand=brand))
    assert list(policy.visible(Asset.objects.all())) == [mine]
    assert list(policy.brands()) == [brand]
    assert list(policy.brands("generate")) == []
    assert set(Policy.operator().brands()) == set(Brand.objects.all())
    inactive = Policy(factories.make_user("viewer", brand=brand, is_active=False))
    assert not inactive.visible(Asset.objects.all()).exists()
    assert not inactive.brands().exists()


def test_rights_are_read_once_a_request(brand, django_assert_num_queries):
    policy = Policy(factories.make_user("creator", brand=brand))
    with django_assert_num_queries(1):
        for verb in VERBS:
            policy.can(verb, brand)


def test_the_stored_requester_is_looked_up_now(brand):
    user = factories.make_user("creator", brand=brand)
    found = Policy.of_user_id(user.pk)
    assert found is not None
    assert found.can("generate", brand)
    user.is_active = False
    user.save()
    assert Policy.of_user_id(user.pk) is None
    assert Policy.of_user_id(None) is None
    operator = Policy.of_user_id(None, operator=True)
    assert operator is not None
    assert operator.passes
