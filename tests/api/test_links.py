"""Links of interviews, companies, webhooks and browsers are stored and sent as URIs."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import update

from interviews_api.db.connections import Database
from interviews_api.interviews.models import Interview
from interviews_api.notifications.models import PushSubscription, Webhook
from tests.support.api import in_days, invitation, local
from tests.support.browser import Browser
from tests.support.database_rows import subscriptions
from tests.support.factories import World
from tests.support.linked_interview import INTERVIEW, path
from tests.support.people import People
from tests.support.typed_texts import HIDDEN_IN_LINKS, LINKS, NO_LINKS
from tests.support.webhooks import hook

HTTPS = {link: uri for link, uri in LINKS.items() if uri.startswith("https://")}
PUSH = "/candidate/push-subscriptions"
TYPED, URI = " HTTPS://Bücher.invalid/ü?x={1}\n", "https://xn--bcher-kva.invalid/%C3%BC?x=%7B1%7D"


def test_webhook_and_push_urls_are_uris(people: People, database: Database) -> None:
    webhook = people.us.ok("POST", "/webhooks", {"url": TYPED})
    assert webhook["url"] == people.us.ok("GET", "/webhooks")["webhooks"][0]["url"] == URI
    browser = Browser()
    assert people.candidate.ok("POST", PUSH, browser.subscription(TYPED)) == {"endpoint": URI}
    people.candidate.ok("POST", PUSH, browser.subscription(URI))
    assert subscriptions(database) == [URI]
    people.candidate.ok("DELETE", PUSH, {"endpoint": TYPED})
    assert subscriptions(database) == []


def test_url_has_one_webhook_in_whatever_spelling(people: People, database: Database) -> None:
    people.us.ok("POST", "/webhooks", {"url": TYPED})
    exists = (409, "The company already has a webhook with this URL")
    for url in (TYPED, URI, URI.replace("https", "HTTPS"), URI.replace("xn--bcher", "XN--Bcher"), f"  {URI}"):
        assert people.us.refused("POST", "/webhooks", {"url": url}) == exists
    webhook_id = hook(database, people.us_company_id, "/")
    with database.engine.begin() as connection:  # as older rules stored it
        stored = update(Webhook).where(Webhook.id == webhook_id).values(url='HTTPS://Nobody.invalid/"')
        connection.execute(stored)
    assert people.us.refused("POST", "/webhooks", {"url": "https://nobody.invalid/%22"}) == exists


def test_subscription_of_older_rules_can_be_deleted(people: People, database: Database) -> None:
    people.candidate.ok("POST", PUSH, Browser().subscription(URI))
    with database.engine.begin() as connection:
        connection.execute(update(PushSubscription).values(endpoint="https://nobody.invalid/{1}"))
    (listed,) = people.candidate.ok("GET", PUSH)["subscriptions"]
    people.candidate.ok("DELETE", PUSH, {"endpoint": listed["endpoint"]})
    assert subscriptions(database) == []


def test_mapped_host_is_judged_as_what_it_becomes(people: People) -> None:
    for url, problem in (
        ("https://127。0。0。1/", "Must name a host, not an IP address."),
        ("https://①⑥⑨.254.169.254/", "Must name a host, not an IP address."),
        ("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "Must not lead into a private network."),
        ("https://bücher.invalid:8443/", "Must use port 443."),
        ("http://bücher.invalid/", "Must begin with https://."),
        ("https://u:p@nobody.invalid/", "Must not name a user."),
    ):
        response = people.us.call("POST", "/webhooks", {"url": url})
        assert (response.status_code, response.get_json()["details"]) == (400, {"url": [problem]}), url
    assert people.us.ok("POST", "/webhooks", {"url": "https://ⓔxample.invalid/"})["url"] == "https://example.invalid/"


def test_hidden_character_in_a_link_is_refused_by_name(people: People) -> None:
    body = invitation(people.us_application_id, type="Video")
    keys = Browser().subscription(URI)["keys"]
    for character in HIDDEN_IN_LINKS:
        link = f"https://nobody.invalid/j/1?pwd={character}x"
        for caller, method, route, field, sent in (
            (people.us, "POST", "/interviews/schedule", "meetingLink", body | {"meetingLink": link}),
            (people.us, "POST", "/webhooks", "url", {"url": link}),
            (people.candidate, "POST", PUSH, "endpoint", {"endpoint": link, "keys": keys}),
            (people.candidate, "DELETE", PUSH, "endpoint", {"endpoint": link}),
        ):
            details = caller.call(method, route, sent).get_json()["details"]
            assert details == {field: [f"Must not contain a hidden character (U+{ord(character):04X})."]}


def test_link_has_at_most_2000_characters_as_typed_and_as_a_uri(people: People) -> None:
    body = invitation(people.us_application_id, type="Video")
    for rest in ("x" * 1991, "ü" * 332):
        details = people.us.call(
            "POST", "/interviews/schedule", body | {"meetingLink": f"https://{rest}.a/"}
        ).get_json()
        assert list(details["details"]) == ["meetingLink"]
    link = f"https://a/{'x' * 8}{'ü' * 330}"
    stored = people.us.ok("POST", "/interviews/schedule", body | {"meetingLink": link})["meetingLink"]
    assert len(stored) == 1998
    longer = people.us.call("POST", "/interviews/schedule", body | {"meetingLink": f"{link}ü"}).get_json()
    assert longer["details"] == {"meetingLink": ["Longer than maximum length 2000."]}


def test_seed_file_has_the_same_links(people: People, world: World, runner: FlaskCliRunner, tmp_path: Path) -> None:
    file = tmp_path / "seed.json"

    def load(**links: str) -> Any:
        content = json.loads(json.dumps(world.content))
        content["companies"][0] |= {"logo": links.get("logo")}
        content["interviews"] = [interview | {"meetingLink": links.get("meetingLink")}]
        file.write_text(json.dumps(content))
        return runner.invoke(args=["seed", "load", str(file)])

    interview = world.interview(world.content["applications"][0], type="Phone")
    for link, uri in LINKS.items():
        assert load(logo=link, meetingLink=link).exit_code == 0
        shown = people.candidate.ok("GET", f"/candidate/interviews/{interview['id']}")
        assert (shown["company"]["logo"], shown["meetingLink"]) == (uri, uri)
    for link in NO_LINKS[::7]:
        for field, place in (("logo", "companies[0].logo"), ("meetingLink", "interviews[0].meetingLink")):
            refused = load(**{field: link})
            assert (refused.exit_code, f"\n{place}: " in refused.output) == (1, True), ascii(link)
    assert "hidden character (U+200B)" in load(logo="https://a/\u200b").output


def test_stored_link_of_older_rules_is_sent_as_a_uri(
    client: FlaskClient, world: World, database: Database, headers: Any
) -> None:
    me = world.candidate_with({"id": INTERVIEW, "status": "confirmed", "scheduledDate": "2999-05-15T09:00:00.000Z"})
    world.load()
    with database.engine.begin() as connection:
        connection.execute(update(Interview).values(meeting_link="HTTPS://Bücher.example/ü\u200b"))
    uri = "https://xn--bcher-kva.example/%C3%BC"
    assert f'<a href="{uri}"' in client.get(path()).text
    calendar = client.get(f"/candidate/interviews/{INTERVIEW}/calendar.ics", headers=headers(me["id"])).text
    assert f"URL:{uri}" in calendar.replace("\r\n ", "")
    assert f"LOCATION:{uri}" in calendar.replace("\r\n ", "")


@pytest.mark.parametrize("route", ["schedule", "reschedule"])
def test_scheme_of_a_meeting_link_is_stored_in_lower_case(route: str, people: People) -> None:
    body = invitation(people.us_application_id, type="Video", meetingLink="HTTP://zoom.us/J/1")
    interview = people.us.ok("POST", "/interviews/schedule", body)
    if route == "reschedule":
        change = local(in_days(9)) | {"meetingLink": "Https://Zoom.us/J/1 "}
        interview = people.us.ok("PUT", f"/interviews/{interview['interviewId']}/reschedule", change)
    assert interview["meetingLink"] == f"http{'s' * (route == 'reschedule')}://zoom.us/J/1"
