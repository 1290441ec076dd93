"""Lists and pages of rows that are only looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.options import ShowFacets
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, OrderBy, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.functional import cached_property

from marketplace.support import actions, sections, tools
from marketplace.support.sections import Section

QUEUE: Final = "queue"
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Queue:
    """A part of a list that an index finds, in that index's order."""

    title: str
    rows: Q
    ordering: tuple[str | OrderBy, ...] = ("-pk",)


EVERYTHING: Final = Queue("All", Q())


class CappedPaginator(Paginator):
    """Counts no further than anybody turns pages: counting a million rows takes its time."""

    most: Final = 1000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[: self.most].count()

    @property
    def is_capped(self) -> bool:
        return self.count == self.most


class QueueFilter(admin.SimpleListFilter):
    """Chooses one of the queues; a search looks at all rows unless a queue was chosen."""

    title = QUEUE
    parameter_name = QUEUE
    template = "admin/support/queues.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, queue.title) for name, queue in model_admin.queues.items()]

    def choices(self, changelist: Any) -> Iterator[Any]:
        chosen = changelist.model_admin.chosen
        for name, title in self.lookup_choices:
            yield {
                "selected": name == chosen(self.request),
                "query_string": changelist.get_query_string({QUEUE: name}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class ReadOnlyAdmin(admin.ModelAdmin):
    """A model as support sees it: nothing is added, changed or deleted here, by nobody.

    Subclasses name ``queues`` (the first one is shown at first; ``all`` is one of them),
    ``related`` (what a page reads along), and may give a page ``sections``.
    """

    actions = None
    list_per_page = 50
    list_max_show_all = 0
    ordering = ("-pk",)
    paginator = CappedPaginator
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ()
    view_on_site = False
    change_form_template = "admin/support/change_form.html"
    change_list_template = "admin/support/change_list.html"

    queues: Mapping[str, Queue] = {}
    related: tuple[str, ...] = ()

    def sections(self, row: Any) -> Sequence[Section]:
        """The tables below the row's own facts, each read in a fixed number of queries."""
        return ()

    def search(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """The rows that a search means, by what an index answers."""
        raise NotImplementedError

    def chosen(self, request: HttpRequest) -> str:
        """The name of the queue that a request looks at."""
        named = request.GET.get(QUEUE, ALL if request.GET.get(SEARCH_VAR) else "")
        return named if named in self.queues else next(iter(self.queues))

    # Nobody changes anything here.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    # What Django asks.

    def get_urls(self) -> list[URLPattern]:
        return [*actions.urls_of(self.model, self.admin_site), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.fields or ()

    def get_list_filter(self, request: HttpRequest) -> Any:
        return (QueueFilter,) if self.queues else ()

    def get_ordering(self, request: HttpRequest) -> Any:
        return self.queues[self.chosen(request)].ordering if self.queues else self.ordering

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.related)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return QueueList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        searched = term and self.search_fields
        return (self.search(queryset, term) if searched else queryset), False

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """No filters but the queues: others need no index, and some would tell what is sealed."""
        return lookup == QUEUE and bool(self.queues)

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        shown = tools.of_list(self.model, tools.person(request))
        return super().changelist_view(request, {"tools": shown, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs["obj"]
        context["sections"] = [*self.sections(row), *sections.more(row)]
        context["tools"] = tools.of_row(row, tools.person(request))
        return super().render_change_form(request, context, *args, **kwargs)


class QueueList(ChangeList):
    """A list that is narrowed to its queue and sorted as that queue's index is."""

    model_admin: Any

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return list(self.model_admin.get_ordering(request))

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows = super().get_queryset(request, exclude_parameters)
        queues = self.model_admin.queues
        return rows.filter(queues[self.model_admin.chosen(request)].rows) if queues else rows
