"""What a column of a file probably is, from its header or from its values."""

import re
import unicodedata
from collections.abc import Sequence

from cxconsole.audience.emails import normalise_email
from cxconsole.audience.rows import KNOWN_COLUMNS

# Headers as people write them in English, German, Swedish, French and Spanish (and a few neighbours), without
# case, accents, spaces and punctuation.
_HEADERS: dict[str, str] = {
    header: column
    for column, headers in {
        "email": "email mail emailaddress mailaddress emailaddr emailadresse mailadresse epost epostadress "
        "epostadresse mejl mejladress mailadress courriel adressemail adresseemail adresseelectronique couriel correo "
        "correoelectronico direcciondecorreo direccioncorreo emailid contactemail workemail privateemail "
        "sahkoposti",
        "phone": "phone phonenumber phoneno mobile mobilephone mobilenumber cell cellphone cellnumber tel telephone "
        "telephonenumber telno msisdn smsnumber contactnumber telefon telefonnummer telefonnr handy handynummer "
        "mobil mobilnummer mobiltelefon mobilnr mobiltelefonnummer rufnummer telnr telefonnr nummer portable "
        "numerodetelephone numerotelephone telephonemobile telephoneportable gsm telefono numerodetelefono "
        "movil celular telefonomovil numerodemovil puhelin puhelinnumero",
        "customer_id": "customerid customerno customernumber custid clientid clientnumber accountid accountno "
        "accountnumber memberid membernumber membershipid kundennummer kundennr kundenid kdnr kundnummer kundnr "
        "kundid medlemsnummer numeroclient numclient idclient codeclient numerodeclient idcliente "
        "numerodecliente numerocliente codigocliente asiakasnumero",
        "first_name": "firstname forename givenname fname first vorname rufname fornamn tilltalsnamn prenom nombre "
        "nombredepila primernombre etunimi fornavn",
        "last_name": "lastname surname familyname lname last nachname familienname zuname efternamn nom nomdefamille "
        "apellido apellidos primerapellido sukunimi etternavn efternavn",
        "language": "language lang locale languagecode preferredlanguage sprache sprak langue idioma lengua kieli",
        "time_zone": "timezone tz zeitzone tidszon fuseauhoraire zonahoraria",
        "preferred_channel": "preferredchannel channel contactchannel kanal bevorzugterkanal onskadkanal "
        "canal canalprefere canalpreferido",
        "external_ref": "externalref externalreference externalid reference ref referenz externereferenz externid "
        "referens referenceexterne referencia referenciaexterna",
    }.items()
    for header in headers.split()
}


def guess_columns(headers: Sequence[str], samples: Sequence[Sequence[str]], *, has_header: bool) -> list[str]:
    """What each column becomes: a known column, or the name of an attribute."""
    guesses: list[str] = []
    for at, header in enumerate(headers):
        known = find_known_column(header) if has_header else _guess_by_values([row[at] for row in samples])
        if known is None or (known in guesses and known not in ("email", "phone")):
            known = attribute_name(header)
        guesses.append(known)
    return guesses


def find_known_column(header: str) -> str | None:
    """The known column that this header means, if any."""
    plain = _plain(header)
    return _HEADERS.get(plain) or next((name for name in KNOWN_COLUMNS if plain == name.replace("_", "")), None)


def attribute_name(header: str) -> str:
    """The header, fit to be a merge field: `Price area` becomes `Price_area`."""
    name = re.sub(r"\W+", "_", header.strip()).strip("_") or "column"
    return f"_{name}" if name[0].isdigit() else name


def _plain(header: str) -> str:
    spread = unicodedata.normalize("NFKD", header.replace("ß", "ss").replace("ø", "o").casefold())
    return "".join(character for character in spread if character.isalnum())


def _guess_by_values(values: Sequence[str]) -> str | None:
    filled = [value.strip() for value in values if value.strip()]
    if not filled:
        return None
    if sum("@" in value and isinstance(normalise_email(value), str) for value in filled) * 2 > len(filled):
        return "email"
    if sum(looks_like_phone(value) for value in filled) * 2 > len(filled):
        return "phone"
    return None


def looks_like_phone(value: str) -> bool:
    """Digits with what people put between them, and a + or 0 before or a separator within."""
    digits = sum(character.isdigit() for character in value)
    marked = value.startswith(("+", "0", "(")) or "-" in value.strip("-") or " " in value
    return 7 <= digits <= 16 and marked and re.fullmatch(r"\+?[0-9 ().\-/]+", value) is not None
