"""The words for kinds and roles of the ground floor."""

from django.db.models import TextChoices


class PartyKind(TextChoices):
    CLIENT = "client", "Client"
    FREELANCER = "freelancer", "Freelancer"
    AGENCY = "agency", "Agency"


class Role(TextChoices):
    OWNER = "owner", "Owner"
    MANAGER = "manager", "Manager"
    MEMBER = "member", "Member"


class ActorKind(TextChoices):
    MEMBER = "member", "Member"
    STAFF = "staff", "Support"
    PLATFORM = "platform", "Closeout"


class Side(TextChoices):
    """The two sides of every contract."""

    CLIENT = "client", "Client"
    TALENT = "talent", "Talent"

    @property
    def other(self) -> "Side":
        return Side.TALENT if self is Side.CLIENT else Side.CLIENT


class CaseState(TextChoices):
    OPEN = "open", "Open"
    ANSWERED = "answered", "Answered"
    CLOSED = "closed", "Closed"


TALENT_KINDS = (PartyKind.FREELANCER, PartyKind.AGENCY)
MANAGING_ROLES = (Role.OWNER, Role.MANAGER)
