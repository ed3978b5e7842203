"""Yardstick: django-post_office, from queued to sent: 5 kB templated mails, SQLite, the same kind of sink."""

import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import mail_sink, report

HTML = "<html><body><p>Hello {{ first_name }}, this is your offer in {{ city }}.</p>" + "<p>" + "word " * 780 + "</p>"
TEXT = "Hello {{ first_name }}, this is your offer in {{ city }}.\n" + "word " * 180


def _configure(folder: Path, port: int) -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="bench", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "post_office.db"),
                               "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "timeout": 60}}},
        EMAIL_BACKEND="post_office.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port,
        POST_OFFICE={"BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
                     "BATCH_SIZE": 20_000, "THREADS_PER_PROCESS": 5, "LOG_LEVEL": 2},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )  # fmt: skip
    django.setup()
    logging.getLogger("post_office").setLevel(logging.ERROR)


def measure(port: int, *, count: int = 2000) -> float:
    """Messages a second of `send_queued`, whose own settings are as its manual advises; one call a process."""
    with tempfile.TemporaryDirectory() as folder:
        _configure(Path(folder), port)
        from django.core.management import call_command
        from post_office import mail
        from post_office.models import STATUS, Email, EmailTemplate

        call_command("migrate", verbosity=0)
        template = EmailTemplate.objects.create(
            name="offer", subject="For {{ first_name }}", content=TEXT, html_content=HTML
        )
        mail.send_many([
            {"recipients": f"p{number}@mail.example", "sender": "a@sender.example", "template": template,
             "context": {"first_name": f"First{number}", "city": f"Town{number % 300}"}, "render_on_delivery": True}
            for number in range(count)
        ])  # fmt: skip
        begun = time.perf_counter()
        call_command("send_queued_mail", processes=1, log_level=2, verbosity=0)
        spent = time.perf_counter() - begun
        sent = Email.objects.filter(status=STATUS.sent).count()
        assert sent == count, f"{sent} of {count} were sent"
        return count / spent


if __name__ == "__main__":
    with mail_sink() as sink:
        report("yardstick_post_office", messages=2000, messages_per_second=measure(sink))
