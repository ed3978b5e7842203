"""Files as people really send them: each is stored, rejected row by row, or refused with a clear message."""

import csv
import io
import zipfile

import pytest
from sqlalchemy import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.imports import list_rejected, rejected_csv, rejection_reasons
from cxconsole.errors import CxError
from models.contact import RejectedRow
from models.person import Identity, Person

PLAIN = "email,first_name,phone\nanna@example.com,Anna,+46701442108\nbjörn@example.com,Björn,+46701442109\n"


def people(database):
    with database.read() as session:
        return {
            (person.first_name or "", identity.value)
            for person, identity in session.execute(
                select(Person, Identity).join(Identity, Identity.person_id == Person.id).where(Identity.kind == "email")
            )
        }


def rejected(database):
    with database.read() as session:
        return [(row.row_number, row.reason) for row in session.scalars(select(RejectedRow).order_by(RejectedRow.id))]


BOTH = {("Anna", "anna@example.com"), ("Björn", "björn@example.com")}


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("cp1252"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace(",", "|").encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.rstrip("\n").encode(),
        ("sep=;\n" + PLAIN.replace(",", ";")).encode(),
        ("\n\n" + PLAIN).encode(),
        PLAIN.partition("\n")[2].encode(),
        "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.split("\n")[:3]).encode(),
        PLAIN.replace("email,first_name,phone", "E-Mail-Adresse,Vorname,Handynummer").encode(),
        PLAIN.replace("email,first_name,phone", "E-post,Förnamn,Mobil").encode(),
        PLAIN.replace("email,first_name,phone", "Courriel,Prénom,Téléphone").encode(),
        PLAIN.replace("email,first_name,phone", "Correo electrónico,Nombre,Teléfono").encode(),
    ],
    ids=[
        "utf-8", "utf-8 with BOM", "utf-16 with BOM", "utf-16 big end first", "utf-16 without BOM", "cp1252",
        "semicolon", "tab in utf-16", "pipe", "crlf", "cr only", "no newline at the end", "sep line",
        "blank lines first", "no header",
        "all quoted", "german", "swedish", "french", "spanish",
    ],
)  # fmt: skip
def test_the_same_table_is_read_however_it_is_written(database, campaign_id, start, run, data):
    mapping = None
    if data == PLAIN.partition("\n")[2].encode():
        mapping = {"column 1": "email", "column 2": "first_name", "column 3": "phone"}
    view = run(start(campaign_id, data, mapping=mapping))
    assert (view.state, view.error, view.created, view.rows_read) == ("done", None, 2, 2)
    assert people(database) == BOTH
    assert view.bytes_done == view.bytes_total


def test_latin1_bytes_that_windows_never_writes_are_read_as_latin1(database, campaign_id, start, run):
    run(start(campaign_id, b"email,first_name\na@example.com,Bj\xf6rn\nb@example.com,\x81x\n"))
    assert ("Björn", "a@example.com") in people(database)


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("people.csv", PLAIN)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The file is empty."),
        (b"\n \n\r\n", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b"email,first_name\n", "no rows"),
        (b"email,first_name", "no rows"),
        (_zip(), "ZIP or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "old Excel"),
        (b"%PDF-1.7 ...", "PDF"),
        (bytes(range(256)) * 100, "binary file"),
        (b"\0" * 5000, "binary file"),
        (b"town,street\nLund,Storgatan\n", "Map at least one column"),
    ],
)
def test_what_is_no_table_is_refused_in_words(database, campaign_id, start, data, message):
    with pytest.raises(CxError, match=message):
        start(campaign_id, data)


@pytest.mark.parametrize(
    ("mapping", "options", "message"),
    [
        ({"e-mail": "email"}, {}, "no column called 'e-mail'"),
        ({"email": None, "phone": None}, {}, "Map at least one column"),
        ({"email": "email", "first_name": "last_name", "phone": "last_name"}, {}, "Two columns become last_name"),
        (None, {"default_region": "Sweden"}, "two-letter country code"),
        (None, {"encoding": "ebcdic"}, "Use one of"),
        (None, {"delimiter": "::"}, "one character"),
    ],
)
def test_a_mapping_or_option_that_cannot_be_used_is_refused(campaign_id, start, mapping, options, message):
    with pytest.raises(CxError, match=message):
        start(campaign_id, PLAIN, mapping=mapping, **options)


@pytest.mark.parametrize(
    ("rows", "created", "problems"),
    [
        ("a@example.com,A\nb@example.com\nc@example.com,C,extra\nd@example.com,D,\n", 2,
         [(3, "Only 1 cell where the header has 2"), (4, "3 cells where the header has 2")]),
        ('a@example.com,"A\nB"\nb@example.com,"B ""x"""\n', 2, []),
        ('a@example.com,"A\nb@example.com,B\nc@example.com,C\n', 2, [(2, "A quote is opened and not closed")]),
        ('a@example.com,"A\nb@example.com,"B"\nc@example.com,C\n', 2, [(2, "A quote is opened and not closed")]),
        ('a@example.com,5" pipe\nb@example.com,B\n', 2, []),
        ("a@example.com,A\0B\nb@example.com,B\n", 1, [(2, "Holds a NUL character")]),
        ("a@example.com,A\n\n\nb@@example.com,B\n", 1, [(5, "Two @ signs")]),
        ("a@example.com,A\n,\n , \n\"\",\nb@example.com,B\n", 2, []),
        (",A\nb@example.com,B\n", 1, [(2, "No e-mail, phone or customer id")]),
        ("a@example.com,=cmd()\n", 1, []),
        ("a@example.com,A\rb@example.com,B\nc@example.com,C\n", 1, [(2, "A line break in the middle of the row")]),
    ],
    ids=[
        "ragged", "quoted newline", "quote to the end", "quote to the next", "inch", "nul", "row number", "blank",
        "nobody", "formula", "stray return",
    ],
)  # fmt: skip
def test_damage_costs_the_rows_it_is_in(database, campaign_id, start, run, rows, created, problems):
    view = run(start(campaign_id, "email,first_name\n" + rows))
    assert (view.state, view.created, view.rejected) == ("done", created, len(problems))
    assert rejected(database) == problems


def test_a_line_in_another_encoding_is_rejected_and_the_rest_is_stored(database, campaign_id, start, run):
    good = "".join(f"p{n}@example.com,Bj\u00f6rn\n" for n in range(5)).encode()
    view = run(start(campaign_id, b"email,first_name\n" + good + "x@example.com,Åsa\n".encode("latin-1") + good[:22]))
    assert (view.created, view.duplicates, view.rejected) == (5, 1, 1)
    assert rejected(database) == [(7, "Not written in UTF-8 like the rest")]


def test_a_line_of_ten_megabytes_is_one_rejected_row(database, campaign_id, start, run):
    long = b"x@example.com," + b"y" * (10 << 20) + b"\n"
    view = run(start(campaign_id, b"email,first_name\na@example.com,A\n" + long + b"b@example.com,B\n"))
    assert (view.created, view.rejected) == (2, 1)
    assert rejected(database) == [(3, "The line is longer than 1 MB")]
    with database.read() as session:
        assert len(session.scalars(select(RejectedRow)).one().raw[0]) <= 2000


def test_columns_of_the_same_name_keep_apart(database, campaign_id, start, run):
    run(start(campaign_id, "email,town,town\na@example.com,Lund,Ystad\n"))
    with database.read() as session:
        assert session.scalars(select(Person)).one().attributes == {"town": "Lund", "town_2": "Ystad"}


def test_two_phone_columns_are_two_phones_of_one_person(database, campaign_id, start, run):
    run(start(campaign_id, "phone,mobile\n+46701442108,+46701442109\n"))
    with database.read() as session:
        found = {(i.value, i.is_primary) for i in session.scalars(select(Identity))}
    assert found == {("+46701442108", True), ("+46701442109", False)}


def test_a_column_that_is_not_mapped_becomes_an_attribute_and_null_leaves_it_out(database, campaign_id, start, run):
    run(start(campaign_id, "mail,Price area,old\na@example.com,SE3,x\n", mapping={"mail": "email", "old": None}))
    with database.read() as session:
        assert session.scalars(select(Person)).one().attributes == {"Price_area": "SE3"}


def test_a_bad_value_is_left_out_of_a_row_that_has_another_identity(database, campaign_id, start, run):
    import_id = start(campaign_id, "email,phone\na@example.com,070-144 21\n", default_region="SE")
    view = run(import_id)
    assert (view.created, view.rejected, view.left_out) == (1, 0, 1)
    with database.read() as session:
        [left] = list_rejected(session, import_id, actor=OPERATOR, left_out=True).items
        assert list_rejected(session, import_id, actor=OPERATOR).items == ()
    assert (left.row_number, left.column, left.value) == (2, "phone", "070-144 21")
    assert (left.reason, left.remedy) == ("Too short for a Swedish number", "Add the missing digits")


def test_rejected_rows_are_downloaded_guarded_mended_and_uploaded_again(database, campaign_id, start, run):
    import_id = start(campaign_id, "email;first_name\nsiv@@telia.se;=cmd()\nok@example.com;O\nx;Y\n")
    run(import_id)
    with database.read() as session:
        text = "".join(rejected_csv(session, import_id, actor=OPERATOR))
        assert rejection_reasons(session, import_id, actor=OPERATOR) == [("No @ sign", 1), ("Two @ signs", 1)]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["row"] for row in rows] == ["2", "4"]
    assert (rows[0]["column"], rows[0]["value"], rows[0]["reason"]) == ("email", "siv@@telia.se", "Two @ signs")
    assert (rows[0]["email"], rows[0]["first_name"]) == ("siv@@telia.se", "'=cmd()")
    view = run(start(campaign_id, text.replace("siv@@telia.se,'=cmd()", "siv@telia.se,Siv")))
    assert (view.created, view.rejected) == (1, 1)
    with database.read() as session:
        person = session.scalars(select(Person).where(Person.first_name == "Siv")).one()
    assert person.attributes == {}


def test_the_name_a_person_gave_the_file_is_never_a_path(database, campaign_id, start, run):
    view = run(start(campaign_id, PLAIN, name="../../etc\\pass\0wd.csv"))
    assert view.file_name == "passwd.csv"
