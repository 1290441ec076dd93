"""What pages read of contracts."""

from contracts.queries.events import Event
from contracts.queries.jobs import JobsPage, Row, jobs_page
from contracts.queries.requests import RequestPage, request_page
from contracts.queries.room import Room, contract_of, room_of
from contracts.queries.timeline import timeline_of

__all__ = [
    "Event",
    "JobsPage",
    "RequestPage",
    "Room",
    "Row",
    "contract_of",
    "jobs_page",
    "request_page",
    "room_of",
    "timeline_of",
]
