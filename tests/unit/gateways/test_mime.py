import email
import email.policy
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxconsole.gateways.port import OutgoingMessage
from cxconsole.gateways.smtp.address import BadAddress, clean_address, parse_sender
from cxconsole.gateways.smtp.mime import BadHeader, Skeleton, encode_sender

AT = datetime(2026, 5, 19, 10, 0, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=3000)
SHAPES = st.one_of(
    ANY_TEXT,
    st.text("ab.\n\r ", max_size=300),  # lines that begin with a dot, bare line ends
    st.builds(lambda text, times: text * times, st.text("abä ", min_size=1, max_size=9), st.integers(1, 2000)),
)


def build(sender="Acme <hello@acme.example>", **fields):
    message = OutgoingMessage(
        **{
            "delivery_id": 1,
            "message_id": "d1.c1001@acme.example",
            "target": "ann@example.com",
            "subject": "Hi",
            **fields,
        }
    )
    return Skeleton(parse_sender(sender)).build(message, target=message.target, at=AT)


def parse(data: bytes):
    return email.message_from_bytes(data, policy=email.policy.default)


def seen(body: str) -> str:
    """A body as a reader compares it: line ends are one character, the last one is no matter."""
    return re.sub("\r\n?", "\n", body).rstrip("\n")


def content(part) -> str:
    # not get_content(): it splits lines at characters that are no line ends in mail
    return seen(part.get_payload(decode=True).decode("utf-8"))


@given(subject=ANY_TEXT, html=SHAPES, text=SHAPES)
def test_any_subject_and_body_survive(subject, html, text):
    data = build(subject=subject, html=html, text=text or "x")
    got = parse(data)
    assert got["Subject"] == re.sub("[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", subject)
    assert content(got.get_body(("html",))) == seen(html)
    assert content(got.get_body(("plain",))) == seen(text or "x")
    assert not got.defects and not any(part.defects for part in got.walk())


@given(subject=ANY_TEXT, html=SHAPES, text=SHAPES, name=ANY_TEXT)
def test_what_is_sent_is_seven_bit_with_short_lines(subject, html, text, name):
    name = re.sub("[\x00-\x1f\x7f]", "", name)[:60].replace('"', "").replace("\\", "")
    data = build(subject=subject, html=html, text=text, sender=f'"{name}" <hello@acme.example>')
    assert data.isascii() and data.endswith(b"\r\n")
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(b"\n" in line or b"\r" in line for line in lines)


def test_a_merged_line_break_cannot_add_a_header():
    got = parse(build(subject="Hi\r\nBcc: everyone@example.com"))
    assert got["Bcc"] is None and got["Subject"] == "Hi Bcc: everyone@example.com"


@pytest.mark.parametrize(
    "fields",
    [
        {"message_id": "d1@x>\r\nBcc: a@b.example"},
        {"unsubscribe_url": "https://x.example/\r\nBcc: a@b.example"},
        {"unsubscribe_url": "https://x.example/>, <mailto:a@b.example"},
        {"unsubscribe_url": "javascript:alert(1)"},
        {"unsubscribe_url": "https://x.example/" + "a" * 1000},
    ],
)
def test_a_value_that_could_end_its_header_is_refused(fields):
    with pytest.raises(BadHeader):
        build(**fields)


def test_the_headers_that_mail_needs_are_there():
    got = parse(build(html="<p>Hi</p>", text="Hi", unsubscribe_url="https://acme.example/u/abc"))
    assert got["From"] == "Acme <hello@acme.example>"
    assert got["To"].addresses[0].addr_spec == "ann@example.com"
    assert got["Date"].datetime == AT
    assert got["Message-ID"] == "<d1.c1001@acme.example>"
    assert got["List-Unsubscribe"] == "<https://acme.example/u/abc>"
    assert got["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part.get_content_type() for part in got.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_a_message_of_one_part_has_no_envelope_around_it():
    assert parse(build(text="Hi")).get_content_type() == "text/plain"
    assert parse(build(html="<p>Hi</p>", text="")).get_content_type() == "text/html"


def test_plain_english_stays_readable_on_the_wire():
    assert b"\r\n\r\nHello Ann,\r\nnice." in build(text="Hello Ann,\nnice.")


@pytest.mark.parametrize(
    ("sender", "name", "address"),
    [
        ("hello@acme.example", "", "hello@acme.example"),
        ("Acme, Inc. <hello@acme.example>", "Acme, Inc.", "hello@acme.example"),
        ('"Say \\"hi\\", Inc." <hello@acme.example>', 'Say "hi", Inc.', "hello@acme.example"),
        ('The "Best" <hello@acme.example>', 'The "Best"', "hello@acme.example"),
        ("Bäcker Müller <brot@bäcker.example>", "Bäcker Müller", "brot@xn--bcker-gra.example"),
        ("=?x?= <hello@acme.example>", "=?x?=", "hello@acme.example"),
    ],
)
def test_a_sender_reads_back_as_it_was_written(sender, name, address):
    parsed = parse(b"From: " + encode_sender(parse_sender(sender)).encode() + b"\r\n\r\n")["From"].addresses[0]
    assert (parsed.display_name, parsed.addr_spec) == (name, address)


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        ("Ann.Lee+tag@Example.com", "Ann.Lee+tag@Example.com"),
        ("ann@straße.example", "ann@xn--strae-oqa.example"),
        ("ann@例え.jp", "ann@xn--r8jz45g.jp"),
        ("änn@example.com", "änn@example.com"),
        ("ann@[192.0.2.1]", "ann@[192.0.2.1]"),
    ],
)
def test_domains_become_ascii(address, clean):
    assert clean_address(address) == clean


@pytest.mark.parametrize(
    "address",
    [
        "", "ann", "@example.com", "ann@", "ann lee@example.com", "ann@exam ple.com", "ann@example.com>\r\nDATA",
        "ann,bob@example.com", "<ann@example.com>", "ann..lee@example.com", "a" * 65 + "@example.com",
        "ann\u2028@example.com", "ann@-", "ann@ex\u0000.com", "ann@xn--\u00e4.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address):
    with pytest.raises(BadAddress):
        clean_address(address)
