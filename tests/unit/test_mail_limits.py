"""Limits on mails: which mail is sent, which waits for the outcome of others, and which is held back."""

from interviews_api.notifications.worker.mail_limits import Hold, MailBudget, MailLimit, Verdict

LIMIT = MailLimit(of_originator=4, in_all=6, assured=2)
SEND, WAIT = Verdict.SEND, Verdict.WAIT


def test_mails_of_one_originator_are_limited() -> None:
    budget = MailBudget({"ada": LIMIT}, {("ada", "us"): 1}, {})
    assert [budget.judge(("ada", "us")) for _ in range(4)] == [SEND, SEND, SEND, WAIT]
    budget = MailBudget({"ada": LIMIT}, {("ada", "us"): 4}, {})
    assert budget.judge(("ada", "us")) == Hold(4, is_of_originator=True)


def test_mails_of_all_originators_are_limited_but_for_the_first_of_each() -> None:
    sent = {("ada", "us"): 3, ("ada", "them"): 3, ("bob", "us"): 1}
    budget = MailBudget({"ada": LIMIT, "bob": LIMIT}, sent, {})
    assert budget.judge(("ada", "us")) == Hold(6, is_of_originator=False)
    assert [budget.judge(("ada", "third")) for _ in range(3)] == [SEND, SEND, WAIT]
    assert budget.judge(("bob", "us")) is SEND


def test_mails_in_progress_count_as_possible_ones() -> None:
    budget = MailBudget({"ada": LIMIT}, {("ada", "us"): 2}, {("ada", "us"): 1, ("ada", "them"): 2})
    assert [budget.judge(("ada", "us")) for _ in range(2)] == [SEND, WAIT]
    assert budget.judge(("ada", "them")) is WAIT


def test_target_without_a_limit_gets_every_mail() -> None:
    budget = MailBudget({}, {("gone", "us"): 99}, {})
    assert budget.judge(("gone", "us")) is SEND
