"""The people of the demo market who can be tried with one click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class DemoAccount:
    email: str
    label: str
    what: str


CLIENT: Final = "client@example.com"
FREELANCER: Final = "freelancer@example.com"

ACCOUNTS: Final = (
    DemoAccount(CLIENT, "the client", "North Studio hires, funds milestones, ends and pays."),
    DemoAccount(FREELANCER, "the freelancer", "Submits work, is paid, answers requests."),
    DemoAccount(
        "agency@example.com", "the agency's owner", "Acts for an agency and for a business of one."
    ),
    DemoAccount("member@example.com", "the agency's member", "Works, but does not end or refund."),
    DemoAccount("late@example.com", "the late payer", "Owes hours of a contract that ended."),
    DemoAccount("support@example.com", "support", "Decides what the two sides cannot settle."),
    DemoAccount("admin@example.com", "the administrator", "Sees everything behind the desk."),
)
