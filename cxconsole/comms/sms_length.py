"""How many parts a text message is sent as: 160 characters of GSM 03.38 in one, 70 of UCS-2; fewer each in several."""

from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape and a character: two septets


@dataclass(frozen=True, kw_only=True)
class SmsLength:
    """`units` are septets of GSM-7 or 16-bit units of UCS-2; `left` is how many still fit into the last part."""

    encoding: str
    units: int
    parts: int
    left: int
    special: str
    """The characters that make it UCS-2, each once; empty for GSM-7."""


def measure_sms(text: str) -> SmsLength:
    """The length of a text as a network counts it."""
    special = "".join(dict.fromkeys(char for char in text if char not in _BASIC and char not in _EXTENDED))
    if special:
        sizes = [2 if ord(char) > 0xFFFF else 1 for char in text]
        single, several = 70, 67
    else:
        sizes = [2 if char in _EXTENDED else 1 for char in text]
        single, several = 160, 153
    units = sum(sizes)
    parts, used, room = 1, units, single
    if units > single:
        parts, used, room = 1, 0, several
        for size in sizes:  # an escape sequence or a surrogate pair is never cut
            if used + size > room:
                parts, used = parts + 1, 0
            used += size
    return SmsLength(
        encoding="UCS-2" if special else "GSM-7", units=units, parts=parts, left=room - used, special=special
    )
