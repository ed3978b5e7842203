"""The browser tag in a real browser, on a site of another origin: every call of its contract."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Route

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.apps import change_attributes

TRACK_PAGES = 'cjaas("option", "PAGE_TRACK", true);'
ANONYMOUS = re.compile(r"anon-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STORED = "Object.keys(localStorage)"
IS_QUEUED = f"{STORED}.some((name) => name.includes('queue'))"


def test_a_page_view_comes_by_itself_and_holds_no_query(visitor):
    visitor.open("/prices", TRACK_PAGES, title="Prices")
    [event] = visitor.wait_for("page.viewed")
    assert event.source == visitor.site.url.removeprefix("http://")
    assert event.data == {"path": "/prices", "url": f"{visitor.site.url}/prices", "title": "Prices"}
    visitor.page.goto(visitor.site.url + "/prices?utm_source=mail&token=secret#part")
    event = visitor.wait_for("page.viewed", "page.left", "page.viewed")[-1]
    assert event.data["utm_source"] == "mail"
    assert "secret" not in str(event.data)


def test_pages_that_change_without_a_load_are_told_too(visitor):
    visitor.open("/", TRACK_PAGES)
    visitor.page.evaluate("() => { history.pushState(null, '', '/cart'); document.title = 'Cart'; }")
    first, left, second = visitor.wait_for("page.viewed", "page.left", "page.viewed")
    assert (left.data["path"], second.data["path"], second.data["title"]) == ("/", "/cart", "Cart")
    visitor.page.evaluate("() => history.replaceState(null, '', '/cart?sort=price')")
    visitor.page.go_back()
    assert visitor.wait_for(*["page.viewed", "page.left"] * 2, "page.viewed")[-1].data["path"] == "/"
    assert first.person_id == second.person_id


def test_what_was_anonymous_joins_who_says_who_they_are(visitor):
    visitor.open("/")
    visitor.call("track", "cart.added", {"sku": "A-1", "price": 12.5})
    anonymous = visitor.call("person")
    assert ANONYMOUS.fullmatch(anonymous)
    visitor.call("identify", "ada@mail.example", "Ada")
    visitor.call("identify", "ada@mail.example", "Ada")
    visitor.call("track", "order.placed")
    added, identified, placed = visitor.wait_for("cart.added", "person.identified", "order.placed")
    assert (added.data, identified.data, placed.data) == ({"sku": "A-1", "price": 12.5}, {"name": "Ada"}, {})
    people = visitor.people()
    assert people == dict.fromkeys([anonymous, "ada@mail.example"], added.person_id)
    assert placed.person_id == identified.person_id == added.person_id
    visitor.page.reload()
    visitor.page.wait_for_function("cjaas.version")
    assert visitor.call("person") == "ada@mail.example"
    visitor.call("reset")
    assert ANONYMOUS.fullmatch(visitor.call("person"))
    assert visitor.call("person") != anonymous


def test_calls_before_the_script_is_there_are_kept_in_order(visitor):
    calls = 'cjaas("track", "one", {n: 1}); cjaas("identify", "C-7"); cjaas("track", "two", "text");'
    visitor.open("/", calls)
    one, identified, two = visitor.wait_for("one", "person.identified", "two")
    assert one.person_id == identified.person_id == two.person_id
    assert (one.data, two.data) == ({"n": 1}, {"value": "text"})


BUTTONS = """<div id="list"><button class="buy" id="b1" data-sku="A-1" name="x"><i>Buy one</i></button>
<button class="buy" data-sku="A-2">Buy two</button></div>
<form onsubmit="return false"><input id="town" value="Lund"><input id="pin" type="password" value="1234">
<button>Go</button></form>
<script>document.querySelector("#list").addEventListener("click", (event) => event.stopPropagation(), true);</script>"""


def test_listen_hears_the_first_node_and_listen_all_each_of_them_also_later_ones(visitor):
    calls = """cjaas("listen", ".buy", "first.clicked", "click");
    cjaas("listen_all", ".buy", "buy.clicked", "click", ["data-sku", "text"]);"""
    visitor.open("/", calls, body=BUTTONS)
    visitor.page.click("text=Buy one")
    first, buy = visitor.wait_for("first.clicked", "buy.clicked")
    assert buy.data == {"path": "/", "element": "b1", "sku": "A-1", "text": "Buy one"}
    assert first.data == {"path": "/", "element": "b1"}
    visitor.page.evaluate("""() => document.querySelector("#list").insertAdjacentHTML(
        "beforeend", '<button class="buy" data-sku="A-3">Buy three</button>')""")
    visitor.page.click("text=Buy three")
    later = visitor.wait_for("first.clicked", "buy.clicked", "buy.clicked")[-1]
    assert later.data == {"path": "/", "sku": "A-3", "text": "Buy three"}


def test_what_is_typed_is_told_only_when_asked_for_and_a_password_never(visitor):
    calls = """cjaas("listen_all", "input", "field.left", "blur", ["id", "value"]);
    cjaas("listen_all", "form", "form.sent", "submit", {form: "signup"});"""
    visitor.open("/", calls, body=BUTTONS)
    for name in ("#town", "#pin"):
        visitor.page.focus(name)
    visitor.page.click("text=Go")
    town, pin, form = visitor.wait_for("field.left", "field.left", "form.sent")
    assert town.data == {"path": "/", "element": "town", "id": "town", "value": "Lund"}
    assert pin.data == {"path": "/", "element": "pin", "id": "pin"}
    assert form.data == {"path": "/", "form": "signup"}


def test_changes_of_the_page_are_heard(visitor):
    calls = """cjaas("listen_all", ".note", "note.shown", "added", ["text"]);
    cjaas("listen", "#total", "total.changed", "changed", ["text"]);"""
    visitor.open("/", calls, body='<p id="total">0</p>')
    visitor.page.evaluate("""() => { document.querySelector("#total").textContent = "12";
        document.body.insertAdjacentHTML("beforeend", "<div><p class='note'>Sold out</p></div>"); }""")
    total, note = sorted(visitor.wait_for("note.shown", "total.changed"), key=lambda event: -len(event.type))
    assert (total.data["text"], note.data["text"]) == ("12", "Sold out")


def test_what_happens_at_the_last_moment_is_told_although_the_page_goes(visitor):
    calls = TRACK_PAGES + 'cjaas("listen_all", "a", "link.clicked", "click", ["href"]);'
    visitor.write_page("/other", title="Other", start=False)
    visitor.open("/", calls, body='<a href="/other">Other</a>')
    visitor.wait_for("page.viewed")
    visitor.page.click("a")
    _, clicked, left = visitor.wait_for("page.viewed", "link.clicked", "page.left")
    assert clicked.data == {"path": "/", "href": "/other"}
    assert left.data["path"] == "/"


def test_what_happens_offline_comes_later_and_once(visitor):
    visitor.open("/")
    visitor.page.context.set_offline(True)
    for n in range(3):
        visitor.call("track", "seen", {"n": n})
    visitor.page.wait_for_function(IS_QUEUED)
    visitor.page.context.set_offline(False)
    assert [event.data for event in visitor.wait_for(*["seen"] * 3)] == [{"n": 0}, {"n": 1}, {"n": 2}]
    visitor.page.wait_for_function(f"!{IS_QUEUED}")


def test_what_could_not_be_sent_is_sent_from_the_next_page(visitor):
    visitor.open("/")
    visitor.page.context.set_offline(True)
    visitor.call("track", "seen")
    visitor.page.evaluate("dispatchEvent(new Event('pagehide'))")
    context = visitor.page.context
    visitor.page.close()
    visitor.page = context.new_page()
    visitor.page.context.set_offline(False)
    visitor.open("/next")
    visitor.wait_for("seen")


@pytest.mark.parametrize("status", [503, 429, 500])
def test_a_server_that_cannot_now_is_asked_again(visitor, status):
    refused = []

    def refuse(route: Route) -> None:
        if route.request.method == "OPTIONS" or len(refused) > 1:
            route.continue_()
            return
        refused.append(route.request.post_data)
        route.fulfill(status=status, headers={"Access-Control-Allow-Origin": visitor.site.url})

    visitor.page.route("**/v1/journey/events", refuse)
    visitor.open("/")
    visitor.call("track", "seen")
    visitor.wait_for("seen")
    assert len(refused) == 2


def test_nothing_waits_without_end(visitor):
    visitor.page.route("**/v1/journey/events", lambda route: route.abort())
    visitor.open("/")
    visitor.page.evaluate("() => { for (let n = 0; n < 1000; n++) cjaas('track', 'seen', {n}); }")
    visitor.call("track", "too.large", {"text": "x" * 40_000})
    circle = "() => { const one = {}; one.self = one; cjaas('track', 'circle', one); return true; }"
    assert visitor.page.evaluate(circle)
    visitor.page.wait_for_function(IS_QUEUED)
    kept = visitor.page.evaluate(
        "JSON.parse(localStorage[Object.keys(localStorage).find((name) => name.includes('queue'))]).map(JSON.parse)"
    )
    assert len(kept) <= 200
    assert kept[-1]["data"] == {"n": 999}


def test_before_consent_nothing_is_kept_or_sent_and_taking_it_back_forgets(visitor):
    asked = []
    visitor.page.on("request", lambda request: asked.append(request.url) if "/v1/" in request.url else None)
    calls = 'cjaas("option", "CONSENT", true);' + TRACK_PAGES + 'cjaas("listen_all", "button", "clicked", "click");'
    visitor.open("/", calls, body="<button>Press</button>")
    visitor.call("identify", "ada@mail.example")
    visitor.call("track", "early")
    visitor.page.click("button")
    visitor.page.reload()
    visitor.page.wait_for_function("cjaas.version")
    assert (visitor.page.evaluate(STORED), asked, visitor.call("person")) == ([], [], "")
    visitor.call("consent", True)
    visitor.wait_for("page.viewed")
    visitor.page.reload()  # it is remembered
    visitor.wait_for("page.viewed", "page.left", "page.viewed")
    visitor.call("consent", False)
    visitor.call("track", "late")
    assert visitor.page.evaluate(STORED) == []
    visitor.page.reload()
    visitor.page.wait_for_function("cjaas.version")
    visitor.call("track", "later")
    visitor.page.wait_for_timeout(200)
    visitor.wait_for("page.viewed", "page.left", "page.viewed")


def test_a_page_of_another_origin_gets_nothing_in(visitor):
    with visitor.application.database.write() as session:
        change_attributes(session, "web", {"allowedOrigins": ["https://shop.example"]}, actor=OPERATOR, now=clock.now())
    failed = []
    visitor.page.on("requestfailed", lambda request: failed.append(request.method))
    visitor.open("/", TRACK_PAGES)
    visitor.page.wait_for_function(IS_QUEUED)
    assert failed
    assert visitor.events() == []


def test_a_token_that_ends_is_renewed_from_the_pages_own_server(visitor):
    old = visitor.make_token(now=clock.now() - timedelta(hours=1))
    calls = f'cjaas("dsWriteToken", "{old}"); cjaas("option", "TOKEN_URL", "/token");{TRACK_PAGES}cjaas("init");'
    visitor.open("/", calls, start=False)
    visitor.wait_for("page.viewed")
    visitor.call("track", "seen")
    visitor.wait_for("page.viewed", "seen")
    assert visitor.site.renewals == 1


def test_a_token_that_is_refused_is_not_tried_for_ever(visitor):
    asked = []
    visitor.page.on("response", lambda answer: asked.append(answer.status) if "/v1/" in answer.url else None)
    visitor.open("/", f'cjaas("dsWriteToken", "{visitor.make_token()}x"); cjaas("init");', start=False)
    for n in range(3):
        visitor.call("track", "seen", {"n": n})
        visitor.page.wait_for_timeout(150)
    assert asked.count(403) == 1
    visitor.call("dsWriteToken", visitor.make_token())
    visitor.wait_for(*["seen"] * 3)


def test_the_tag_stays_out_of_the_way_of_the_page(visitor):
    visitor.open("/", 'cjaas("listen_all", "((", "x", "click"); cjaas("nothing"); cjaas("option", "constructor", 1);')
    assert visitor.page.evaluate("cjaas('constructor')") is None
    policy = f"default-src 'self' {visitor.console}; script-src 'self' 'unsafe-inline' {visitor.console}"
    visitor.site.pages["/"] = visitor.site.pages["/"].replace(
        "<title>", f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>'
    )
    visitor.page.reload()
    visitor.page.wait_for_function("cjaas.version")
    visitor.call("track", "seen")
    visitor.wait_for("seen")


def test_calls_for_offers_are_taken_before_and_after_it_begins(visitor):
    calls = 'cjaas("streamReadToken", "so=a&sig=b"); cjaas("option", "ENABLE_ORCHESTRATION", true);'
    visitor.open("/", calls + TRACK_PAGES)
    visitor.wait_for("page.viewed")
    for call in (("streamReadToken", "so=a&sig=c"), ("streamReadToken",), ("option", "ENABLE_ORCHESTRATION", True)):
        assert visitor.call(*call) is None
    visitor.call("track", "still.here")
    visitor.wait_for("page.viewed", "still.here")
