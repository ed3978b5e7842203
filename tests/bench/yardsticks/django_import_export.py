"""Yardstick: django-import-export with its own bulk mode, into one table with unique e-mail and phone, SQLite."""

import re
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import report, write_contacts_csv

PHONE = re.compile(r"\+[1-9]\d{6,14}")


def _configure(folder: Path) -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="bench", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "import_export"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "import_export.db")}},
    )  # fmt: skip
    django.setup()


def measure(path: Path, rows: int) -> float:
    """Rows a second; rows that cannot be used are skipped. One call a process."""
    with tempfile.TemporaryDirectory() as folder:
        _configure(Path(folder))
        import tablib
        from django.core.exceptions import ValidationError
        from django.core.validators import validate_email
        from django.db import connection, models
        from import_export import resources

        class Contact(models.Model):
            email = models.EmailField(unique=True)
            phone = models.CharField(max_length=20, unique=True)
            customer_id = models.CharField(max_length=40, blank=True)
            first_name = models.CharField(max_length=80)
            last_name = models.CharField(max_length=80)
            city = models.CharField(max_length=80)

            class Meta:
                app_label = "bench"

        class ContactResource(resources.ModelResource):
            class Meta:
                model = Contact
                import_id_fields = ("email",)
                exclude = ("id",)
                use_bulk = True
                batch_size = 1000
                skip_diff = True

            def before_import_row(self, row: dict[str, str], **kwargs: object) -> None:
                validate_email(row["email"])
                if not PHONE.fullmatch(row["phone"]):
                    raise ValidationError("not a telephone number")

        with connection.schema_editor() as editor:
            editor.create_model(Contact)
        begun = time.perf_counter()
        data = tablib.Dataset().load(path.read_text(encoding="utf-8"), format="csv")
        ContactResource().import_data(data, raise_errors=False, use_transactions=True)
        spent = time.perf_counter() - begun
        assert Contact.objects.count() > rows * 0.9
        connection.close()
        return rows / spent


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as home:
        source = write_contacts_csv(Path(home) / "contacts.csv", count)
        report("yardstick_import_export", rows=count, rows_per_second=measure(source, count))
