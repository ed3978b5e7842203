import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from cxconsole.gateways.port import TestStep
from cxconsole.gateways.service import (
    create_gateway,
    delete_gateway,
    get_gateway,
    get_gateway_traffic,
    list_gateways,
    record_test,
    update_gateway,
)
from models.campaign import Campaign, CampaignState, Flow, TrafficMinute
from models.comm import CommDelivery, DeliveryState, RateUsage
from models.gateway import Gateway, GatewayHealth

SMTP = {
    "name": "House SMTP", "kind": "smtp", "channel": "email",
    "settings": {"host": "mail.acme.example", "port": 587, "username": "acme", "sender": "Acme <hello@acme.example>"},
    "secrets": {"password": "tr0ub4dor"}, "limits": {"per_minute": 600, "per_domain_per_minute": 10},
}  # fmt: skip


@pytest.fixture
def create(database, vault, now):
    def make(**changes):
        with database.write() as session:
            return create_gateway(session, {**SMTP, **changes}, vault=vault, actor=OPERATOR, now=now)

    return make


def test_a_secret_is_sealed_and_never_shown(database, vault, now, create):
    made = create()
    assert made.secrets == {"password": "***"}
    with database.read() as session:
        row = session.get(Gateway, made.id)
        assert "tr0ub4dor" not in row.secrets + str(row.settings)
        assert vault.open(row.secrets) == {"password": "tr0ub4dor"}
        assert "tr0ub4dor" not in str(get_gateway(session, made.id, vault=vault, actor=OPERATOR, now=now))


def test_a_secret_given_as_stars_stays_and_an_empty_one_goes(database, vault, now, create):
    made = create()
    for given, kept in (({"password": "***"}, {"password": "tr0ub4dor"}), ({"password": ""}, {})):
        with database.write() as session:
            update_gateway(session, made.id, {"secrets": given}, version=None, vault=vault, actor=OPERATOR, now=now)
        with database.read() as session:
            assert vault.open(session.get(Gateway, made.id).secrets) == kept


def test_limits_are_told_in_plain_words(create):
    assert create().limits_in_words == "About 600 a minute, 10 to one domain"
    sandbox = create(name="Sandbox", kind="sandbox", settings={}, secrets={}, limits={})
    assert sandbox.limits_in_words == "No limit, nothing leaves this machine"
    assert sandbox.badge == "sandbox"


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"channel": "sms"}, "channel"),
        ({"name": "  "}, "name"),
        ({"colour": "red"}, "colour"),
        ({"settings": {"host": "mail.acme.example"}}, "settings.sender"),
        ({"settings": {**SMTP["settings"], "hots": "x"}}, "settings.hots"),
        ({"settings": {**SMTP["settings"], "sender": "nobody"}}, "settings.sender"),
        ({"settings": {**SMTP["settings"], "host": "http://mail/"}}, "settings.host"),
        ({"secrets": {"passwort": "x"}}, "secrets.passwort"),
        ({"limits": {"per_minute": 0}}, "limits.per_minute"),
    ],
)
def test_a_bad_field_is_named(create, change, loc):
    with pytest.raises(Invalid) as caught:
        create(**change)
    assert loc in {one.loc for one in caught.value.errors}


def test_a_change_based_on_an_old_version_is_refused(database, vault, now, create):
    made = create()
    with database.write() as session:
        changed = update_gateway(
            session, made.id, {"name": "Main"}, version=made.version, vault=vault, actor=OPERATOR, now=now
        )
    assert (changed.name, changed.version) == ("Main", 2)
    with pytest.raises(Conflict, match="Someone else"), database.write() as session:
        update_gateway(session, made.id, {"name": "Mine"}, version=made.version, vault=vault, actor=OPERATOR, now=now)


def test_a_name_is_given_once(create):
    create()
    with pytest.raises(Conflict, match="already a gateway"):
        create(name="house smtp")


def test_a_gateway_of_a_published_campaign_is_not_deleted(database, now, create, vault):
    made = create()
    with database.write() as session:
        campaign = Campaign(
            id=1001, name="Spring", state=CampaignState.PUBLISHED, flow_version=1, created_at=now, updated_at=now
        )
        session.add(campaign)
        session.flush()
        graph = {"nodes": [{"id": "s1", "gateway_id": made.id}], "edges": []}
        session.add(Flow(campaign_id=1001, version=1, graph=graph, created_at=now))
    with pytest.raises(Conflict, match=r"Spring \(CMP-1001\)"), database.write() as session:
        delete_gateway(session, made.id, actor=OPERATOR, now=now)
    with database.write() as session:
        session.get(Campaign, 1001).state = CampaignState.ENDED
        delete_gateway(session, made.id, actor=OPERATOR, now=now)
    with database.read() as session, pytest.raises(NotFound):
        get_gateway(session, made.id, vault=vault, actor=OPERATOR, now=now)


def test_a_gateway_for_which_messages_wait_is_not_deleted(database, vault, now, create):
    made = create()
    with database.write() as session:
        waits = CommDelivery(
            request_id=1, person_id=1, channel="email", target="ada@customer.example", gateway_id=made.id,
            template_version_id=1, not_before=now, created_at=now,
        )  # fmt: skip
        session.add(waits)
    with pytest.raises(Conflict, match="still wait"), database.write() as session:
        delete_gateway(session, made.id, actor=OPERATOR, now=now)
    with database.write() as session:
        session.exec(select(CommDelivery)).one().state = DeliveryState.CANCELLED
        delete_gateway(session, made.id, actor=OPERATOR, now=now)
    with database.read() as session:
        assert list_gateways(session, vault=vault, actor=OPERATOR, now=now) == []


def test_who_may_only_read_cannot_create(database, vault, now):
    viewer = Actor(kind="user", name="viewer", rights=frozenset({"gateways.read"}))
    with pytest.raises(Forbidden), database.write() as session:
        create_gateway(session, SMTP, vault=vault, actor=viewer, now=now)
    with database.read() as session:
        assert list_gateways(session, vault=vault, actor=viewer, now=now) == []


def test_what_is_used_is_the_last_minute(database, vault, now, create):
    made = create()
    second = int(now.timestamp())
    with database.write() as session:
        for ago, used in ((0, 100), (59, 200), (60, 400), (-1, 800)):
            session.add(RateUsage(scope=f"gateway:{made.id}", second=second - ago, used=used))
    with database.read() as session:
        view = list_gateways(session, vault=vault, actor=OPERATOR, now=now)[0]
    assert (view.used_per_minute, view.used_share) == (300, 0.5)


def test_without_kept_seconds_the_use_is_estimated_from_minutes_and_the_hour_has_no_holes(database, vault, now, create):
    made = create()
    minute = int(now.timestamp()) // 60
    with database.write() as session:
        for at, sent in ((minute, 10), (minute - 1, 60), (minute - 2, 500)):
            session.add(TrafficMinute(minute=at, campaign_id=1, gateway_id=made.id, channel="email", sent=sent))
    with database.read() as session:
        half_past = now.replace(second=30)
        assert get_gateway(session, made.id, vault=vault, actor=OPERATOR, now=half_past).used_per_minute == 40
        series = get_gateway_traffic(session, made.id, actor=OPERATOR, now=half_past)
    assert len(series) == 60 and series[-1] == (minute * 60, 10) and series[-4:] == (
        ((minute - 3) * 60, 0), ((minute - 2) * 60, 500), ((minute - 1) * 60, 60), (minute * 60, 10),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "badge"),
    [
        ({}, "failing"), ({"kind": "sandbox", "settings": {}}, "failing"), ({"health": "degraded"}, "failing"),
        ({"health": "open"}, "stopped"), ({"active": False}, "off"),
    ],
)  # fmt: skip
def test_a_gateway_whose_test_failed_is_not_called_healthy(database, vault, now, create, state, badge):
    made = create()
    with database.write() as session:
        row = session.get(Gateway, made.id)
        for name, value in state.items():
            setattr(row, name, value)
        record_test(session, made.id, [TestStep(name="Connected", ok=False, detail="Refused.", milliseconds=1)],
                    actor=OPERATOR, now=now)  # fmt: skip
        session.flush()
        assert get_gateway(session, made.id, vault=vault, actor=OPERATOR, now=now).badge == badge


def test_a_slowed_gateway_says_what_goes_on_and_new_settings_are_a_new_start(database, vault, now, create):
    made = create()
    with database.write() as session:
        row = session.get(Gateway, made.id)
        row.health, row.health_error = GatewayHealth.DEGRADED, "“421 too many connections”"
        row.slowed_to_per_minute, row.test_passed = 84, True
    with database.write() as session:
        view = get_gateway(session, made.id, vault=vault, actor=OPERATOR, now=now)
        assert (view.badge, view.slowed_to_per_minute) == ("slowed", 84)
        assert "Lower “connections at once” to 7" in view.health_advice
        same = update_gateway(
            session, made.id, {"settings": view.settings}, version=None, vault=vault, actor=OPERATOR, now=now
        )
        assert (same.badge, same.test_words) == ("slowed", "Passed")
        mended = update_gateway(
            session, made.id, {"settings": {**view.settings, "connections": 7}}, version=None, vault=vault,
            actor=OPERATOR, now=now,
        )  # fmt: skip
    assert (mended.badge, mended.health_advice, mended.test_words) == ("healthy", "", "Not tested")
    assert mended.slowed_to_per_minute is None
