import pytest

from cxconsole.comms.sms_length import measure_sms


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "left"),
    [
        ("", "GSM-7", 0, 1, 160),
        ("a" * 160, "GSM-7", 160, 1, 0),
        ("a" * 161, "GSM-7", 161, 2, 145),
        ("a" * 306, "GSM-7", 306, 2, 0),
        ("€" * 80, "GSM-7", 160, 1, 0),
        ("a" * 152 + "€" * 5, "GSM-7", 162, 2, 143),  # the escape does not fit into the first part any more
        ("я" * 70, "UCS-2", 70, 1, 0),
        ("я" * 71, "UCS-2", 71, 2, 63),
        ("😀" * 35, "UCS-2", 70, 1, 0),
        ("я" * 66 + "😀" * 3, "UCS-2", 72, 2, 61),  # nor does half a pair
    ],
)
def test_a_text_is_counted_as_a_network_counts_it(text, encoding, units, parts, left):
    length = measure_sms(text)
    assert (length.encoding, length.units, length.parts, length.left) == (encoding, units, parts, left)


def test_the_characters_that_make_it_costly_are_named():
    assert measure_sms("Größe – “gut” – ok").special == "–“”"
