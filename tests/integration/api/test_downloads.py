"""Files that pages offer: for who may see the pages, under the console's own address, safe for a spreadsheet."""

import csv
import io

from sqlmodel import Session

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.contacts_intake import add_contacts
from cxconsole.campaigns.lifecycle import create_campaign


def add_campaign(session: Session, now) -> int:
    campaign = create_campaign(session, '=HYPERLINK("http://evil.example")', actor=OPERATOR, now=now)
    assert campaign.id is not None
    rows = [{"email": "ann@customers.example", "first_name": "=cmd()"}, {"email": "bo@customers.example"}]
    add_contacts(session, campaign.id, rows, actor=OPERATOR, now=now)
    return campaign.id


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_campaigns_and_contacts_are_guarded_against_formulas(application, client, now):
    with application.database.write() as session:
        campaign_id = add_campaign(session, now)
    campaigns = client.get("/download/campaigns.csv")
    assert campaigns.status_code == 200
    assert "attachment" in campaigns.headers["content-disposition"]
    assert read(campaigns.text)[0]["name"].startswith("'=")
    contacts = read(client.get(f"/download/campaigns/CMP-{campaign_id}/contacts.csv").text)
    assert [row["email"] for row in contacts] == ["ann@customers.example", "bo@customers.example"]
    assert contacts[0]["first_name"] == "'=cmd()"


def test_a_download_is_filtered_as_its_list_is(application, client, now):
    with application.database.write() as session:
        campaign_id = add_campaign(session, now)
    path = f"/download/campaigns/CMP-{campaign_id}/contacts.csv"
    one = client.get(path, params={"filter": '{"and": [{"field": "email", "op": "starts", "value": "bo"}]}'})
    assert [row["email"] for row in read(one.text)] == ["bo@customers.example"]
    refused = client.get(path, params={"filter": "{not json"})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"loc": "filter", "msg": "The filter is not JSON."}]


def test_what_is_not_there_is_a_problem_not_a_file(client):
    answer = client.get("/download/imports/77/rejected.csv")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_under_another_sites_name_nothing_is_told(client):
    answer = client.get("/download/campaigns.csv", headers={"Host": "rebound.evil.example"})
    assert answer.status_code == 403
    assert "code" not in answer.text.splitlines()[0].split(",")


def test_events_are_exported_as_they_are_searched(application, client, now):
    with application.database.write() as session:
        add_campaign(session, now)
    rows = read(client.get("/download/events.csv", params={"type": "contact.*", "since": now.isoformat()}).text)
    assert {row["type"] for row in rows} == {"contact.added"}
    assert {row["person"] for row in rows} == {"'=cmd()", "bo@customers.example"}
    assert rows[0]["time"] == now.isoformat()
    assert read(client.get("/download/events.csv", params={"until": "2001-01-01T00:00:00Z"}).text) == []
    assert client.get("/download/events.csv", params={"field": 'a"b'}).status_code == 422
