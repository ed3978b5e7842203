"""Phone numbers as they are stored: E.164.

A number counts when its country has numbers of that length that begin like it. Whether somebody has been
given it cannot be known here, and the finer tables age faster than numbers are given out.
"""

import re
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, ValidationResult

from cxconsole.audience.problems import Problem

_SEPARATORS = str.maketrans("", "", " -.()/\N{NO-BREAK SPACE}")
_SHAPE = re.compile(r"\+?[0-9]{4,18}", re.ASCII)
_ROUNDED = re.compile(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+", re.ASCII)
_MANY = re.compile(r"[0-9]{5,}\s*[,;|]\s*\+?[0-9]", re.ASCII)

_DEMONYMS = {
    "AT": "an Austrian", "AU": "an Australian", "BE": "a Belgian", "BR": "a Brazilian", "CA": "a Canadian",
    "CH": "a Swiss", "CN": "a Chinese", "CZ": "a Czech", "DE": "a German", "DK": "a Danish", "EE": "an Estonian",
    "ES": "a Spanish", "FI": "a Finnish", "FR": "a French", "GB": "a British", "GR": "a Greek", "HU": "a Hungarian",
    "IE": "an Irish", "IN": "an Indian", "IS": "an Icelandic", "IT": "an Italian", "JP": "a Japanese",
    "LT": "a Lithuanian", "LU": "a Luxembourg", "LV": "a Latvian", "MX": "a Mexican", "NL": "a Dutch",
    "NO": "a Norwegian", "NZ": "a New Zealand", "PL": "a Polish", "PT": "a Portuguese", "RO": "a Romanian",
    "SE": "a Swedish", "SI": "a Slovenian", "SK": "a Slovak", "TR": "a Turkish", "UA": "a Ukrainian", "US": "a US",
    "ZA": "a South African",
}  # fmt: skip


class _Plan:
    """What the fast path needs to know of one country's numbers."""

    def __init__(self, region: str) -> None:
        self.code = f"+{phonenumbers.country_code_for_region(region)}"
        found = PhoneMetadata.metadata_for_region(region, None)
        general = found.general_desc if found is not None else None
        if found is None or general is None or found.leading_zero_possible or region == "IT":
            self.national = self.abroad = None
            return
        # a number of the country, with nothing before it that could be a prefix
        trunk = found.national_prefix_for_parsing or "(?!)"
        self.national = re.compile(f"(?!(?:{trunk})(?<!^))(?:{general.national_number_pattern or ''})", re.ASCII)
        self.lengths = frozenset(general.possible_length)
        self.abroad = re.compile(found.international_prefix or "(?!)", re.ASCII)
        self.prefix = found.national_prefix or ""

    def holds(self, digits: str) -> bool:
        """Whether these digits are a national number as they stand, with nothing that could be a prefix."""
        return self.national is not None and len(digits) in self.lengths and bool(self.national.fullmatch(digits))

    def expand(self, digits: str) -> str | None:
        """E.164 of a number as it is dialled inside the country, when that is beyond doubt."""
        if self.abroad is None or self.abroad.match(digits):
            return None
        if self.prefix and digits.startswith(self.prefix):
            digits = digits[len(self.prefix) :]
        return self.code + digits if self.holds(digits) else None


@cache
def _plan_of_region(region: str) -> _Plan:
    return _Plan(region)


@cache
def _plan_of_code(prefix: str) -> _Plan | None:
    """The plan of the country code that these digits begin with; the digits of at most three places."""
    for length in (1, 2, 3):
        region = phonenumbers.region_code_for_country_code(int(prefix[:length]))
        if region not in ("ZZ", "001"):
            return _Plan(region)
    return None


def known_regions() -> frozenset[str]:
    """The two-letter codes that can be a default region."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def normalise_phone(raw: str, region: str) -> str | Problem:
    """E.164, or what is wrong with the number. `raw` is not empty; `region` says how to read one without a +."""
    digits = _strip(raw)
    if digits:
        if digits[0] == "+":
            plan = _plan_of_code(digits[1:4]) if digits[1] != "0" else None
            if plan is not None and plan.holds(digits[len(plan.code) :]):
                return digits
        elif found := _plan_of_region(region).expand(digits):
            return found
    return _parse(raw, region)


def _strip(raw: str) -> str:
    """The number without what people put between its digits; empty when that is not all there is besides."""
    if _SHAPE.fullmatch(raw):
        return raw
    bare = raw.translate(_SEPARATORS) if "(0)" not in raw else ""
    return bare if _SHAPE.fullmatch(bare) else ""


@lru_cache(maxsize=10_000)
def group_phone(number: str) -> str:
    """E.164 as people read it: "+46 70 144 21 08". What is none stays as it is. About 30 µs when new."""
    if not number.startswith("+"):
        return number
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _parse(raw: str, region: str) -> str | Problem:
    raw = raw.strip().removeprefix("tel:").removeprefix("'")
    if _ROUNDED.fullmatch(raw):
        return Problem("Rounded by a spreadsheet", "Format the column as text and enter the number again")
    if _MANY.search(raw):
        return Problem("Two numbers in one cell", "Keep one number")
    if len(raw) > 60:
        return Problem("Too long for a phone number", "Keep one number")
    try:
        number = phonenumbers.parse(raw, region)
    except NumberParseException as error:
        return _explain_unread(raw, error.error_type)
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if number.extension:
        return Problem("Has an extension", "Remove the extension")
    if verdict in (ValidationResult.IS_POSSIBLE, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        if verdict == ValidationResult.IS_POSSIBLE:
            return _check_beginning(number, region)
        return Problem("The area code is missing", "Write the number with its area code")
    whose = _name(number.country_code, region)
    if verdict == ValidationResult.TOO_SHORT:
        return Problem(f"Too short for {whose}", "Add the missing digits")
    if verdict == ValidationResult.TOO_LONG:
        return Problem(f"Too long for {whose}", "Remove the digits that do not belong to it")
    return Problem(f"Not the length of {whose}", "Check the digits, or write it with + and the country code")


def _check_beginning(number: phonenumbers.PhoneNumber, region: str) -> str | Problem:
    """A number of a possible length, unless no number of that length begins like it."""
    home = phonenumbers.region_code_for_country_code(number.country_code or 0)
    found = PhoneMetadata.metadata_for_region_or_calling_code(number.country_code or 0, home)
    general = found.general_desc if found is not None else None
    national = phonenumbers.national_significant_number(number)
    if general is None or re.fullmatch(general.national_number_pattern or ".*", national):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    whose = _name(number.country_code, region)
    longer = (national.ljust(length, "1") for length in general.possible_length if length > len(national))
    if any(re.fullmatch(general.national_number_pattern or ".*", candidate) for candidate in longer):
        return Problem(f"Too short for {whose}", "Add the missing digits")
    return Problem(f"Not {whose}", "Check the digits, or write it with + and the country code")


def _name(country_code: int | None, region: str) -> str:
    """ "a Swedish number"; a code of several countries is the import's region when that is one of them."""
    regions = phonenumbers.region_codes_for_country_code(country_code or 0)
    region = region if region in regions else next(iter(regions), "")
    if region in _DEMONYMS:
        return f"{_DEMONYMS[region]} number"
    return f"a number that begins with +{country_code}"


def _explain_unread(raw: str, kind: int) -> Problem:
    if kind == NumberParseException.INVALID_COUNTRY_CODE:
        return Problem("No such country code", "Begin with + and the country code, such as +46")
    digits = sum(character.isdigit() for character in raw)
    if kind == NumberParseException.TOO_LONG or digits > 17:
        return Problem("Too long for a phone number", "Keep one number")
    if 0 < digits < 5:
        return Problem("Too short for a phone number", "Add the missing digits")
    return Problem("Not a phone number", "Write it in digits, such as +46 70 123 45 67")
