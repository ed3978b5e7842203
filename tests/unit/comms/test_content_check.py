import pytest

from cxconsole.comms.content_check import FindingKind, Severity, check_content, find_link_problem, list_links
from cxconsole.comms.rendering import Content

OUT = '<a href="{{ unsubscribe_url }}">Out</a>'


def check(html=OUT, *, subject="Hi", text=None, samples=(), channel="email"):
    return check_content(Content(subject=subject, html=html, text=text), channel=channel, samples=samples)


def test_good_content_has_no_findings():
    html = (
        f"<p>{{{{ first_name | default('you') }}}} {{{{ campaign.name }}}} <a href='https://x.example/'>x</a></p>{OUT}"
    )
    assert check(html, samples=[{"first_name": "Ann"}, {}]) == []
    assert check(html) == []


def test_what_does_not_compile_is_the_only_finding():
    [finding] = check("<p>\n{{ nope </p>", samples=[{}])
    assert (finding.kind, finding.severity, finding.part, finding.line) == ("syntax", "error", "html", 2)


def test_each_missing_field_is_named_with_how_many():
    html = "{{ tariff }} {{ city }}" + OUT
    findings = check(html, samples=[{"tariff": "M", "city": "X"}, {"tariff": "L"}, {}])
    assert [(one.kind, one.field, one.severity) for one in findings] == [
        (FindingKind.MISSING_FIELD, "city", Severity.WARNING), (FindingKind.MISSING_FIELD, "tariff", Severity.WARNING),
    ]  # fmt: skip
    assert findings[0].detail.startswith("2 of 3 people looked at have no value for city")
    [worse] = check("{{ tariff }}" + OUT, samples=[{}, {}])
    assert worse.severity == Severity.ERROR and worse.detail.startswith("All 2 people")


def test_without_people_a_field_without_a_fall_back_is_a_warning():
    [finding] = check("{{ tariff }}" + OUT)
    assert (finding.kind, finding.field, finding.severity) == ("missing_field", "tariff", "warning")


def test_data_that_a_template_cannot_be_made_with_is_found():
    [finding] = check("{{ 10 / points }}" + OUT, samples=[{"points": 0}])
    assert finding.severity == Severity.ERROR and "division by zero" in finding.detail


def test_a_missing_link_to_unsubscribe_is_found_in_each_part():
    findings = check("<p>Hi</p>", text="Hi")
    assert [(one.kind, one.part) for one in findings] == [("no_unsubscribe", "html"), ("no_unsubscribe", "text")]
    assert check(None, text="Hi", subject="", channel="sms") == []


def test_empty_content_is_an_error_and_an_empty_subject_a_warning():
    findings = check(None, subject=" ")
    assert [(one.part, one.severity) for one in findings] == [("html", "error"), ("subject", "warning")]


def test_a_mail_that_is_cut_off_is_found():
    assert [one.kind for one in check(OUT + "x" * 110_000)] == ["too_long"]


def test_links_are_listed_and_broken_ones_have_their_line():
    html = f'<p>\n<a href="www.example.com">a</a><img src="/logo.png"><a name="top"></a><a>b</a></p>{OUT}'
    assert list_links(html) == ["www.example.com", "{{ unsubscribe_url }}", "/logo.png", ""]
    findings = check(html)
    assert [(one.kind, one.line) for one in findings] == [("broken_link", 2), ("broken_link", 2), ("broken_link", None)]
    assert "https://www.example.com" in findings[0].remedy


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("https://shop.example.com/?a=1", True),
        ("{{ shop_url }}", True),
        ("https://x.example/{{ customer_id }}", True),
        ("mailto:a@example.com", True),
        ("tel:+4915112345678", True),
        ("cid:logo", True),
        ("#top", True),
        ("#", False),
        ("", False),
        ("mailto:", False),
        ("www.example.com", False),
        ("/offers", False),
        ("javascript:void(0)", False),
        ("http:/example.com", False),
        ("https://exa mple.com", False),
        ("http://localhost:3000/x", False),
        ("http://intranet/", False),
    ],
)
def test_addresses_that_lead_nowhere_are_told_apart(address, fine):
    assert (find_link_problem(address) is None) is fine
