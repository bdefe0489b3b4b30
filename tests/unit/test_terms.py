"""The words that calendar entries share with the link page and with mails."""

import pytest

from interviews_api.interviews.terms import contact, phone_call

ROW = {"company_name": "Lumen", "company_phone": "+33 1 70", "candidate_phone": "+33 6 12", "location": None}


@pytest.mark.parametrize(
    ("values", "call"),
    [
        ({}, "Lumen calls you at +33 6 12"),
        ({"candidate_phone": None}, "Please call Lumen at +33 1 70"),
        ({"candidate_phone": "", "company_phone": None}, "Phone call with Lumen"),
        ({"location": "Ask for Camille"}, "Lumen calls you at +33 6 12 (Ask for Camille)"),
        ({"location": "Room 12"}, "Lumen calls you at +33 6 12 (Room 12)"),
        ({"location": "+33 (0)1 70 18-99 00"}, "Please call Lumen at +33 (0)1 70 18-99 00"),
        ({"location": "We ring you at 0612345678"}, "We ring you at 0612345678"),
        ({"location": "٠٦١٢٣٤٥٦٧٨"}, "Please call Lumen at ٠٦١٢٣٤٥٦٧٨"),
        ({"location": "18 Rue X, 75002 Paris"}, "Lumen calls you at +33 6 12 (18 Rue X, 75002 Paris)"),
        ({"location": " Ask\r\nfor Camille\x00 "}, "Lumen calls you at +33 6 12 (Ask for Camille)"),
        ({"company_name": "Lu\nmen"}, "Lu men calls you at +33 6 12"),
        ({"company_name": "חברה"}, "\u2068חברה\u2069 calls you at +33 6 12"),
        ({"location": "חברה 3"}, "Lumen calls you at +33 6 12 (\u2068חברה 3\u2069)"),
        ({"location": "חברה 0612345678"}, "\u2068חברה 0612345678\u2069"),
    ],
)
def test_phone_interview_says_who_calls_whom(values: dict[str, str | None], call: str) -> None:
    assert phone_call(ROW | values) == call


def test_contact_has_what_the_company_gave() -> None:
    row = {"company_phone": "+33 1 70", "company_email": None, "company_address": "18 Rue\r\nde la Paix"}
    assert contact(row) == "+33 1 70, 18 Rue\nde la Paix"
    assert contact(row | {"company_address": "חברה 3"}) == "+33 1 70, \u2068חברה 3\u2069"
    assert contact(dict.fromkeys(row)) == ""
