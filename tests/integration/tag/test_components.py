"""`<cx-timeline>` and `<cx-profile>` on a site of another origin: one person, live, and nothing else."""

import json
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.apps import create_app
from cxconsole.accounts.page_tokens import make_page_token, make_person_token
from cxconsole.journey.profile_views import save_view
from tests.ui.conftest import assert_accessible

PAGE = """<!doctype html><html lang="en"><head><title>Customer</title>
<script src="%(console)s/cx-components.js" defer></script>
<style>cx-timeline { --cx-text: rgb(1, 2, 3) }</style></head>
<body><main><h1>Customer</h1><cx-timeline person="C-1" %(attributes)s></cx-timeline></main></body></html>"""

PROFILE_PAGE = PAGE.replace("cx-timeline", "cx-profile").replace('person="C-1"', 'person="C-1" view="shopper"')
ORDERS = {
    "version": "0.1", "event": "order.placed", "limit": 100, "lookbackDurationType": "days", "lookbackPeriod": 30,
    "verbose": False,
}  # fmt: skip
VIEW = {
    "id": "shopper", "name": "Shopper", "attributes": [
        {**ORDERS, "displayName": "Orders", "aggregationMode": "Count"},
        {**ORDERS, "displayName": "Sum", "metadata": "n", "metadataType": "double", "aggregationMode": "Sum"},
        {**ORDERS, "displayName": "Latest", "metadata": "n", "metadataType": "double", "aggregationMode": "Value"},
        {**ORDERS, "displayName": "Note", "metadata": "note", "aggregationMode": "Value"},
        {**ORDERS, "displayName": "Debts", "metadata": "debts", "aggregationMode": "Value", "compartment": "billing"},
    ],
}  # fmt: skip


@pytest.fixture
def desk(visitor):
    """A page of the site with the component, and a way to send events from elsewhere."""
    application, origin = visitor.application, visitor.site.url

    with application.database.write() as session:
        create_app(
            session, "desk", services={"stream": "r", "profile": "r", "ds": "w"},
            attributes={"allowedOrigins": [origin]}, vault=application.vault, actor=OPERATOR, now=clock.now(),
        )  # fmt: skip
        save_view(session, VIEW, actor=OPERATOR, now=clock.now())

    def make_token(person="C-1", views=("shopper",)):
        with application.database.read() as session:
            wish = {"vault": application.vault, "actor": OPERATOR, "now": clock.now()}
            return make_person_token(session, "desk", person, views=views, **wish).text

    def send(number, person="C-1", **more):
        with application.database.read() as session:
            token = make_page_token(session, "desk", vault=application.vault, actor=OPERATOR, now=clock.now()).text
        event = {
            "id": str(number), "source": "crm", "type": "order.placed", "person": person, "data": {"n": number}, **more,
        }  # fmt: skip
        answer = visitor.page.request.post(
            f"{visitor.console}/v1/journey/events", data=json.dumps(event),
            headers={"Authorization": token, "Origin": origin},
        )  # fmt: skip
        assert answer.status == 202

    def show(attributes, page=PAGE):
        visitor.site.pages["/"] = page % {"console": visitor.console, "attributes": attributes}
        visitor.page.goto(origin)

    visitor.site.make_token = make_token
    visitor.desk_token, visitor.send, visitor.show = make_token, send, show
    return visitor


def test_the_past_and_what_happens_now_are_shown_newest_first(desk):
    for number in range(3):
        desk.send(number)
    desk.send(99, person="C-2")
    desk.show('token-url="/token"')
    rows = desk.page.locator("cx-timeline li")
    expect(rows).to_have_count(4)
    expect(desk.page.get_by_role("status")).to_have_text("Live")
    desk.send(3)
    desk.send(98, person="C-2")
    desk.send(4)
    expect(rows).to_have_count(6)
    told = [text[-4:] for text in rows.all_inner_texts() if "Became known" not in text]
    assert told == ["n: 4", "n: 3", "n: 2", "n: 1", "n: 0"]
    expect(rows.first).to_contain_text("Order placed")
    assert rows.first.evaluate("(row) => getComputedStyle(row).color") == "rgb(1, 2, 3)"
    assert_accessible(desk.page)


def test_nothing_of_a_compartment_comes_live(desk):
    desk.send(1)
    desk.show('token-url="/token"')
    expect(desk.page.get_by_role("status")).to_have_text("Live")
    desk.send(2, data={"debts": "many", "n": 2})
    row = desk.page.locator("cx-timeline li").first
    expect(row).to_contain_text("n: 2")
    expect(row).not_to_contain_text("many")


def test_another_person_can_be_shown_without_a_reload_and_nothing_is_mixed(desk):
    desk.send(1)
    desk.send(2, person="C-2")
    desk.show(f'token="{desk.desk_token()}"')
    rows = desk.page.locator("cx-timeline li")
    expect(rows.filter(has_text="n: 1")).to_be_visible()
    token = desk.desk_token("C-2")
    desk.page.evaluate(
        """(token) => { const one = document.querySelector("cx-timeline");
        one.setAttribute("token", token); one.setAttribute("person", "C-2"); }""",
        token,
    )
    expect(rows.filter(has_text="n: 2")).to_be_visible()
    expect(rows.filter(has_text="n: 1")).to_have_count(0)


def test_data_of_others_is_text_and_never_markup(desk):
    event = {
        "id": "x",
        "source": "crm",
        "type": "<img src=x>",
        "person": "C-1",
        "data": {"<b>": "<script>alert(1)</script>"},
    }
    desk.page.request.post(
        f"{desk.console}/v1/journey/events", data=json.dumps(event),
        headers={"Authorization": _write_token(desk), "Origin": desk.site.url},
    )  # fmt: skip
    desk.show('token-url="/token"')
    expect(desk.page.locator("cx-timeline li").filter(has_text="<script>alert(1)</script>")).to_be_visible()
    assert desk.page.locator("cx-timeline li img, cx-timeline li script").count() == 0


def _write_token(desk):
    with desk.application.database.read() as session:
        return make_page_token(
            session, "desk", vault=desk.application.vault, actor=OPERATOR, now=clock.now()
        ).text  # fmt: skip


def test_a_token_of_somebody_else_shows_nothing_and_says_so(desk):
    desk.send(1)
    desk.show(f'token="{desk.desk_token("C-2")}"')
    expect(desk.page.get_by_role("status")).to_have_text("This may not be shown here.")
    expect(desk.page.locator("cx-timeline li")).to_have_count(0)


def test_it_goes_on_without_a_gap_after_the_line_was_lost(desk):
    desk.send(1)
    desk.show('token-url="/token"')
    expect(desk.page.get_by_role("status")).to_have_text("Live")
    desk.page.context.set_offline(True)
    expect(desk.page.get_by_role("status")).not_to_have_text("Live", timeout=15_000)
    desk.page.context.set_offline(False)
    desk.send(2)
    rows = desk.page.locator("cx-timeline li")
    for number in (1, 2):
        expect(rows.filter(has_text=f"n: {number}")).to_have_count(1, timeout=15_000)


def shown(desk):
    """The rows of the profile: (name, value)."""
    return desk.page.locator("cx-profile dl > div")


def expect_values(desk, *values):
    expect(desk.page.locator("cx-profile dd")).to_have_text(list(values))


def test_a_profile_follows_what_happens_to_the_person_and_shows_no_compartment(desk):
    desk.send(1000)
    desk.send(7, person="C-2")
    desk.show('token-url="/token"', PROFILE_PAGE)
    expect_values(desk, "1", "1,000", "1000", "–")
    expect(desk.page.get_by_role("heading", level=2)).to_have_text("Shopper")
    expect(desk.page.get_by_role("region", name="Shopper")).to_be_visible()
    expect(desk.page.get_by_role("status")).to_have_text("Live")
    expect(desk.page.locator("cx-profile dt")).to_have_text(["Orders", "Sum", "Latest", "Note"])
    node = desk.page.locator("cx-profile dd").first.element_handle()
    desk.send(2, data={"n": 2.5, "note": "<b>late</b>"})
    desk.send(8, person="C-2")
    expect_values(desk, "2", "1,002.5", "2.5, 1000", "<b>late</b>")
    # an event that came late is seen too, and what did not change was not touched
    desk.send(3, time="2026-01-01T00:00:00Z", type="page.viewed")
    desk.send(4, time=(clock.now() - timedelta(days=2)).isoformat())
    expect_values(desk, "3", "1,006.5", "2.5, 1000, 4", "<b>late</b>")
    assert node.evaluate("(one) => one.isConnected")
    assert_accessible(desk.page)


def test_a_profile_of_another_person_or_view_is_shown_without_a_reload(desk):
    desk.send(1)
    desk.send(2, person="C-2")
    desk.send(3, person="C-2")
    desk.show(f'token="{desk.desk_token()}"', PROFILE_PAGE)
    expect_values(desk, "1", "1", "1", "–")
    token = desk.desk_token("C-2")
    change = """(given) => { const one = document.querySelector("cx-profile");
        for (const [name, value] of Object.entries(given)) one.setAttribute(name, value); }"""
    desk.page.evaluate(change, {"token": token, "person": "C-2", "heading": "The second"})
    expect_values(desk, "2", "5", "3, 2", "–")
    expect(desk.page.get_by_role("heading", level=2)).to_have_text("The second")
    desk.page.evaluate(change, {"view": "none"})
    expect(desk.page.get_by_role("status")).to_have_text("This may not be shown here.")
    expect(shown(desk)).to_have_count(0)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"person": "C-2"}, "This may not be shown here."), ({"views": ()}, "This may not be shown here."),
     ({"views": ("none",)}, "There is no such view.")],
)  # fmt: skip
def test_a_profile_that_may_not_be_shown_says_so(desk, given, words):
    desk.send(1)
    page = PROFILE_PAGE.replace('view="shopper"', 'view="none"') if given == {"views": ("none",)} else PROFILE_PAGE
    desk.show(f'token="{desk.desk_token(**given)}"', page)
    expect(desk.page.get_by_role("status")).to_have_text(words)
    expect(shown(desk)).to_have_count(0)


def test_a_profile_goes_on_after_the_line_was_lost(desk):
    desk.send(1)
    desk.show('token-url="/token"', PROFILE_PAGE)
    expect(desk.page.get_by_role("status")).to_have_text("Live")
    desk.page.context.set_offline(True)
    expect(desk.page.get_by_role("status")).to_have_text("Reconnecting", timeout=15_000)
    desk.send(2)
    desk.page.context.set_offline(False)
    expect_values(desk, "2", "3", "2, 1", "–")
    desk.send(3)
    expect_values(desk, "3", "6", "3, 2, 1", "–")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_stand_side_by_side_on_a_small_screen(desk, scheme):
    desk.send(1)
    desk.page.emulate_media(color_scheme=scheme)
    desk.page.set_viewport_size({"width": 390, "height": 800})
    both = PROFILE_PAGE.replace("</main>", '<cx-timeline person="C-1" token-url="/token"></cx-timeline></main>')
    look = ":root { color-scheme: light dark } body { background: Canvas; color: CanvasText }</style>"
    desk.show('token-url="/token"', both.replace("cx-profile { --cx-text: rgb(1, 2, 3) }</style>", look))
    expect(desk.page.get_by_role("status")).to_have_text(["Live", "Live"])
    expect_values(desk, "1", "1", "1", "–")
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(desk.page)


def test_a_page_opens_a_web_socket_with_its_token_and_no_other_page_does(desk):
    desk.send(1)
    token = desk.desk_token().removeprefix("SharedAccessSignature ")
    hear = """([url, token]) => new Promise((resolve) => {
        const streams = url.replace("http", "ws") + "/v1/journey/streams/C-1?sig=";
        const socket = new WebSocket(streams + encodeURIComponent(token));
        socket.onmessage = ({ data }) => resolve(JSON.parse(data).event);
        socket.onclose = () => resolve("refused");
        setTimeout(() => resolve("nothing"), 15000);
    })"""
    desk.show("")
    assert desk.page.evaluate(hear, [desk.console, token]) is None  # the first message says that it follows
    desk.page.goto(desk.site.url.replace("127.0.0.1", "localhost"))
    assert desk.page.evaluate(hear, [desk.console, token]) == "refused"
