"""What the demo company says: good-looking mails with inline styles, and short texts."""

from dataclasses import dataclass
from pathlib import Path
from string import Template as StringTemplate

GREETING = "{{ first_name | default('there') }}"


@dataclass(frozen=True, kw_only=True)
class DemoTemplate:
    """One template of the demo world; `key` is how the campaigns of this world refer to it."""

    key: str
    name: str
    channel: str
    language: str = "en"
    subject: str = ""
    html: str | None = None
    text: str | None = None


_LAYOUT = StringTemplate(Path(__file__).with_name("mail.html").read_text(encoding="utf-8"))
_CELL = "padding:8px 0;border-bottom:1px solid #e6e8ee"


def _mail(
    *, preview: str, title: str, paragraphs: tuple[str, ...], button: str, link: str,
    facts: tuple[tuple[str, str], ...] = (), colour: str = "#3a5bc7", leave: str = "Unsubscribe",
    why: str = "You receive this because you are a customer of Northwind Energy.",
) -> str:  # fmt: skip
    body = "".join(f'<p style="margin:0 0 16px">{one}</p>\n' for one in paragraphs)
    if facts:
        rows = "".join(
            f'<tr><td style="{_CELL};color:#5b6270">{label}</td>'
            f'<td style="{_CELL};text-align:right;font-weight:600">{value}</td></tr>\n'
            for label, value in facts
        )
        body += f'<table role="presentation" width="100%" cellspacing="0" style="margin:0 0 20px">\n{rows}</table>'
    return _LAYOUT.substitute(
        preview=preview, title=title, body=body, link=link, button=button, colour=colour, why=why, leave=leave
    )


_WEB = "https://www.northwind.example"

TEMPLATES = (
    DemoTemplate(
        key="tariff",
        name="Spring tariff change",
        channel="email",
        subject=f"{GREETING}, your price from 1 July",
        html=_mail(
            preview="Your new price, and what you can do now",
            title=f"Hello {GREETING}, your price changes on 1 July",
            paragraphs=(
                "Wholesale prices fell this winter, and we pass that on. From <b>1 July</b> you pay less for every "
                "kilowatt-hour. You need to do nothing.",
                "Want to know what it means for your home? We worked it out from last year's use.",
            ),
            facts=(
                ("Your plan", "{{ plan | default('Basic') }}"),
                ("Your use last year", "{{ yearly_kwh | default(3500) }} kWh"),
                ("Where", "{{ city | default('Your home') }}"),
            ),
            button="See my new price",
            link=f"{_WEB}/prices/july",
        ),
    ),
    DemoTemplate(
        key="tariff_sms",
        name="Spring tariff change, short",
        channel="sms",
        text=f"Hi {GREETING}, your energy price falls on 1 July. You need to do nothing. "
        f"Details: {_WEB}/prices/july Reply STOP to leave.",
    ),
    DemoTemplate(
        key="heat_pump",
        name="Heat pump offer",
        channel="email",
        subject="A warmer home in {{ city | default('your town') }}, half the cost",
        html=_mail(
            preview="Free visit, fixed price, fitted in two days",
            title="Heat your home for half",
            paragraphs=(
                f"Dear {GREETING},",
                "homes like yours save most with a heat pump. Our fitter looks at your house for free, gives you a "
                "fixed price, and is done in two days.",
            ),
            facts=(("Typical saving", "54%"), ("Fitted in", "2 days"), ("Guarantee", "12 years")),
            button="Book a free visit",
            link=f"{_WEB}/heat-pump",
            colour="#b4482a",
        ),
    ),
    DemoTemplate(
        key="renewal",
        name="Contract renewal",
        channel="email",
        subject="Your contract ends soon, {{ first_name | default('dear customer') }}",
        html=_mail(
            preview="Keep your price for two more years",
            title="Keep your price for two more years",
            paragraphs=(
                f"Hello {GREETING},",
                "your contract ends next month. Stay with <b>{{ plan | default('your plan') }}</b>, and your price "
                "stays as it is until the summer after next.",
            ),
            facts=(("Meter", "{{ meter_number | default('as on your bill') }}"), ("New term", "24 months")),
            button="Renew in one minute",
            link=f"{_WEB}/renew",
            colour="#1f7a5a",
        ),
    ),
    DemoTemplate(
        key="renewal_de",
        name="Vertragsverlängerung",
        channel="email",
        language="de",
        subject="Ihr Vertrag endet bald, {{ first_name | default('liebe Kundin, lieber Kunde') }}",
        html=_mail(
            preview="Zwei Jahre lang der gleiche Preis",
            title="Zwei Jahre lang der gleiche Preis",
            paragraphs=(
                "Guten Tag {{ first_name | default('') }},",
                "Ihr Vertrag endet nächsten Monat. Bleiben Sie bei <b>{{ plan | default('Ihrem Tarif') }}</b>, und Ihr "
                "Preis bleibt, wie er ist.",
            ),
            facts=(("Zähler", "{{ meter_number | default('siehe Rechnung') }}"), ("Laufzeit", "24 Monate")),
            button="In einer Minute verlängern",
            link=f"{_WEB}/de/verlaengern",
            colour="#1f7a5a",
            leave="Abmelden",
            why="Sie erhalten diese Nachricht als Kundin oder Kunde von Northwind Energy.",
        ),
    ),
    DemoTemplate(
        key="survey",
        name="Service survey",
        channel="email",
        subject="One question, {{ first_name | default('if you like') }}",
        html=_mail(
            preview="It takes ten seconds",
            title="How did we do?",
            paragraphs=(
                f"Hello {GREETING},",
                "you talked to us lately. Would you tell a friend about us? One click, no sign-in, and a person reads "
                "every answer.",
            ),
            button="Answer in ten seconds",
            link=f"{_WEB}/survey/service",
            colour="#5b3aa6",
        ),
    ),
    DemoTemplate(
        key="solar",
        name="Solar club invitation",
        channel="email",
        subject="The sun over {{ city | default('your roof') }} is yours",
        html=_mail(
            preview="Join the club before summer",
            title="Join the solar club",
            paragraphs=(
                f"Dear {GREETING},",
                "members share what their roofs make, and are paid for every kilowatt-hour they do not use. There is "
                "a place for you.",
            ),
            facts=(("Fee", "none"), ("Paid per kWh", "0.11"), ("Members", "2,140")),
            button="Take my place",
            link=f"{_WEB}/solar-club",
            colour="#946800",
        ),
    ),
    DemoTemplate(
        key="outage_sms",
        name="District heating outage",
        channel="sms",
        text=f"Northwind Energy: on Thursday 07-12 the heating in {{{{ city | default('your district') }}}} is off for "
        f"repair, {GREETING}. Sorry for the cold morning. Reply STOP to leave.",
    ),
    DemoTemplate(
        key="meter_sms",
        name="Meter reading reminder",
        channel="sms",
        text=f"Hi {GREETING}, please read meter {{{{ meter_number | default('at home') }}}} by Sunday: "
        f"{_WEB}/meter Reply STOP to leave.",
    ),
)
