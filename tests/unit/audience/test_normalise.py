"""E-mails and phones: what is stored, what is refused and in which words, and that the short cut changes nothing."""

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cxconsole.audience import phones
from cxconsole.audience.emails import normalise_email
from cxconsole.audience.phones import normalise_phone
from cxconsole.audience.problems import Problem

REGIONS = ["SE", "US", "DE", "FR", "GB", "ES", "BR", "AR", "MX", "RU", "IN", "CN", "FI", "HU", "BY", "IT", "CI", "KZ"]


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("anna@example.com", "anna@example.com"),
        ("Anna.Berg@EXAMPLE.Com", "Anna.Berg@example.com"),
        (" anna@example.com ", "anna@example.com"),
        ("anna+x@mail.test", "anna+x@mail.test"),
        ("o'brien@x.ie", "o'brien@x.ie"),
        ("björn@exämple.se", "björn@exämple.se"),
        ("mailto:a@example.com", "a@example.com"),
        ("\ufeffa@example.com", "a@example.com"),
    ],
)
def test_an_address_is_stored_with_its_domain_in_lower_case(raw, stored):
    assert normalise_email(raw) == stored


@pytest.mark.parametrize(
    ("raw", "reason", "remedy"),
    [
        ("siv.ohman@@telia.se", "Two @ signs", "Remove one @"),
        ("a@example.com, b@example.com", "Two addresses in one cell", "Keep one address"),
        ("telia.se", "No @ sign", "Write the address as name@example.com"),
        ("@telia.se", "Nothing before the @", "Add the name before the @"),
        ("siv@", "Nothing after the @", "Add the domain after the @"),
        ("siv ohman@telia.se", "A space in the address", "Remove the space"),
        ("siv@telia", "The domain has no dot", "Add the ending, such as .com"),
        ("siv..o@telia.se", "Two dots in a row", "Remove one dot"),
        ("siv.@telia.se", "A dot at the wrong place", "Remove the dot at the start or end"),
        ("info@kommun.local", "Domain cannot receive mail", "Use a public address"),
        ("x" * 65 + "@telia.se", "Longer than an address may be",
         "Check the address: at most 64 characters before the @"),
        ('"siv"@telia.se', "Not a well-formed e-mail address", "Check it for characters that do not belong there"),
    ],
)  # fmt: skip
def test_a_bad_address_says_why_and_how_to_mend_it(raw, reason, remedy):
    assert normalise_email(raw) == Problem(reason, remedy)


_LOCAL = st.text("abzAZ09._+-", min_size=1, max_size=70)
_DOMAIN = st.text("abz09.-", min_size=1, max_size=80)


@given(_LOCAL, _DOMAIN, st.sampled_from(["com", "se", "c", "local", "test", "x1", "museum"]))
@example("a", "xn--a", "com")
@example("a", "ab--c", "com")
@settings(max_examples=400)
def test_the_short_cut_for_addresses_answers_as_the_library(local, domain, top):
    raw = f"{local}@{domain}.{top}"
    ours = normalise_email(raw)
    try:
        theirs = validate_email(raw, check_deliverability=False, test_environment=True, strict=True).normalized
    except EmailNotValidError:
        assert isinstance(ours, Problem)
    else:
        assert ours == theirs


@pytest.mark.parametrize(
    ("raw", "region", "stored"),
    [
        ("+46 70 144 21 08", "US", "+46701442108"),
        ("070-144 21 08", "SE", "+46701442108"),
        ("701442108", "SE", "+46701442108"),
        ("0046701442108", "SE", "+46701442108"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("1-212-555-0123", "US", "+12125550123"),
        ("+49 (0)170 1234567", "SE", "+491701234567"),
        ("06 12345678", "IT", "+390612345678"),
        ("07911 123456", "GB", "+447911123456"),
        ("tel:+46701442108", "US", "+46701442108"),
        ("'+46701442108", "US", "+46701442108"),
    ],
)
def test_a_number_is_stored_as_e164(raw, region, stored):
    assert normalise_phone(raw, region) == stored


@pytest.mark.parametrize(
    ("raw", "region", "reason", "remedy"),
    [
        ("070-144 21", "SE", "Too short for a Swedish number", "Add the missing digits"),
        ("12", "US", "Too short for a US number", "Add the missing digits"),
        ("070144210812345", "SE", "Too long for a Swedish number", "Remove the digits that do not belong to it"),
        ("4.67014E+10", "SE", "Rounded by a spreadsheet", "Format the column as text and enter the number again"),
        ("070-1442108, 070-1442109", "SE", "Two numbers in one cell", "Keep one number"),
        ("call me", "SE", "Not a phone number", "Write it in digits, such as +46 70 123 45 67"),
        ("+999123456", "SE", "No such country code", "Begin with + and the country code, such as +46"),
        ("5550123", "US", "The area code is missing", "Write the number with its area code"),
        ("212-555-0123 ext 5", "US", "Has an extension", "Remove the extension"),
        ("+35512", "SE", "Too short for a number that begins with +355", "Add the missing digits"),
    ],
)
def test_a_bad_number_says_why_and_how_to_mend_it(raw, region, reason, remedy):
    assert normalise_phone(raw, region) == Problem(reason, remedy)


@given(st.from_regex(r"(\+|00|0|1|8|011)?[0-9]{4,14}", fullmatch=True), st.sampled_from(REGIONS))
@settings(max_examples=1_500)
def test_the_short_cut_for_numbers_answers_as_the_library(raw, region):
    ours = normalise_phone(raw, region)
    assert ours == phones._parse(raw, region)
    if isinstance(ours, str):
        assert phonenumbers.is_possible_number(phonenumbers.parse(ours))


@given(st.text(max_size=40), st.sampled_from(REGIONS))
@settings(max_examples=300)
def test_whatever_stands_in_a_cell_is_a_value_or_a_problem_in_words(raw, region):
    for found in (normalise_phone(raw, region), normalise_email(raw)) if raw.strip() else ():
        assert isinstance(found, str) or (found.reason and found.remedy)
