"""Yardstick: django-post_office, the same job as ours, from queueing to the last row written.

Measured in one process on SQLite: `mail.send_many` queues a mail for each contact (what Publish is for us),
then `send_queued_mail` sends them until none is left, each with its row and its log, over kept connections
to the same sink. The content is that of `offer.py` in Django's template language, with the same fields,
fall-backs and headers, rendered on delivery as ours is. The settings are those that its manual gives, its
defaults where it gives none; without its small batches of 100 it is quicker here, so they are 1,000.
"""

import logging
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import mail_sink, report
from offer import HTML, SUBJECT, TEXT


def _configure(folder: Path, port: int, options: dict[str, Any]) -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="bench", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "post_office.db"),
                               "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "timeout": 60}}},
        EMAIL_BACKEND="post_office.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port,
        POST_OFFICE={"BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
                     "BATCH_SIZE": 1000, "THREADS_PER_PROCESS": 5, "LOG_LEVEL": 2, "MESSAGE_ID_ENABLED": True,
                     "MESSAGE_ID_FQDN": "sender.example", **options},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )  # fmt: skip
    django.setup()
    logging.getLogger("post_office").setLevel(logging.ERROR)


def _in_django(source: str) -> str:
    """A text of ours in Django's template language."""
    return re.sub(r"\{\{ (\w+) \| default\('(.*?)'\) \}\}", r"{{ \1|default:'\2' }}", source)


def _queued(number: int, template: Any) -> dict[str, Any]:
    way_out = f"http://127.0.0.1:8000/u/{number:020d}"
    context = {
        "first_name": f"First{number}", "last_name": f"Last{number}", "city": f"Town{number % 300}",
        "campaign": {"name": "Offer"}, "unsubscribe_url": way_out,
    }  # fmt: skip
    return {
        "recipients": f"p{number}@mail.example", "sender": "Acme <hello@acme.example>", "template": template,
        "context": context, "render_on_delivery": True,
        "headers": {"List-Unsubscribe": f"<{way_out}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    }  # fmt: skip


def measure(port: int, *, count: int = 4000, **options: Any) -> float:
    """Messages a second, from the first mail queued to the last row; one call a process."""
    with tempfile.TemporaryDirectory() as folder:
        _configure(Path(folder), port, options)
        from django.core.management import call_command
        from post_office import mail
        from post_office.models import STATUS, Email, EmailTemplate, Log

        call_command("migrate", verbosity=0)
        template = EmailTemplate.objects.create(
            name="offer", subject=_in_django(SUBJECT), content=_in_django(TEXT), html_content=_in_django(HTML)
        )
        begun = time.perf_counter()
        mail.send_many([_queued(number, template) for number in range(count)])
        call_command("send_queued_mail", processes=1, log_level=2, verbosity=0)
        spent = time.perf_counter() - begun
        sent = Email.objects.filter(status=STATUS.sent).count()
        assert sent == count == Log.objects.count(), f"{sent} of {count} were sent"
        return count / spent


if __name__ == "__main__":
    with mail_sink() as sink:
        report("yardstick_post_office", messages=4000, messages_per_second=measure(sink))
