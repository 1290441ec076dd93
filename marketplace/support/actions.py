"""What support does: one view each, which calls the function that everybody else calls.

An action asks for a reason, then shows exactly what will happen, then does it; who did it, why, and
the state before and after are logged in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from marketplace import clock, policy
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.refusals import InvalidInput, Refused
from marketplace.support.sections import address
from marketplace.support.tools import Tool, of_model, person

TEMPLATE = "admin/support/action.html"


class ReasonForm(forms.Form):
    """What every action asks for; others add their own fields, which come first."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=policy.NOTE_LENGTH,
        error_messages={"required": "Give the reason."},
        help_text="Kept in the log of this action.",
    )

    def __init__(self, row: Any, data: Any = None) -> None:
        super().__init__(data)
        self.row = row
        self.order_fields([name for name in self.fields if name != "reason"])


class SupportAction(Tool):
    """One thing that support does to one row, or to none.

    Attributes:
        name: in its address.
        label: its link and heading; ``button`` is what confirms it.
        permission: the named permission it takes.
        related: read along with the row.
        separate: the capability runs transactions of its own.
    """

    name: ClassVar[str]
    button: ClassVar[str]
    form_class: ClassVar[type[ReasonForm]] = ReasonForm
    related: ClassVar[tuple[str, ...]] = ()
    separate: ClassVar[bool] = False

    def effects(self, row: Any, given: dict[str, Any]) -> Sequence[Effect]:
        """Exactly what will happen.

        Args:
            given: the form's cleaned values.

        Raises:
            Refused: it would not happen.
        """
        raise NotImplementedError

    def seen(self, row: Any) -> str:
        """What proves which figures were shown, when the capability asks for it."""
        return ""

    def carry_out(self, row: Any, given: dict[str, Any], *, by: Actor) -> str:
        """Call the capability; returns what to tell support.

        Raises:
            Refused: nothing was changed.
        """
        raise NotImplementedError

    def state_of(self, row: Any) -> str:
        """The row's state in words, for the log."""
        raise NotImplementedError

    # As a tool.

    @property
    def url_name(self) -> str:
        return f"{self.model._meta.label_lower.replace('.', '_')}_{self.name}"

    def address(self, row: Any) -> str:
        return reverse(f"admin:{self.url_name}", args=[row.pk] if self.of_row else [])

    def url(self, site: admin.AdminSite) -> URLPattern:
        place = f"<int:pk>/support/{self.name}/" if self.of_row else f"support/{self.name}/"
        return path(place, site.admin_view(self.view), name=self.url_name)

    # As a view.

    def view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        row = get_object_or_404(self._rows(), pk=pk) if self.of_row else None
        if request.method != "POST":
            return self._page(request, row, self.form_class(row))
        form = self.form_class(row, request.POST)
        if not form.is_valid():
            return self._page(request, row, form)
        if "confirm" not in request.POST:
            return self._preview(request, row, form)
        return self._confirmed(request, row, form)

    def _confirmed(self, request: HttpRequest, row: Any, form: ReasonForm) -> HttpResponse:
        given = {**form.cleaned_data, "seen": request.POST.get("seen", "")}
        try:
            done = self._run(row, given, Actor.support(person(request)))
        except Refused as refused:
            return self._refused(request, row, form, refused)
        messages.success(request, done)
        return redirect(self._back(request, row))

    def _run(self, row: Any, given: dict[str, Any], by: Actor) -> str:
        """Do it and log it, in one transaction unless the capability needs its own."""
        whole: AbstractContextManager[Any] = (
            nullcontext() if self.separate else transaction.atomic()
        )
        with whole:
            before = self.state_of(self._again(row))
            done = self.carry_out(row, given, by=by)
            after = self.state_of(self._again(row))
            self._log(row, by, f"{given['reason']} Before: {before}. After: {after}.")
        return done

    def _log(self, row: Any, by: Actor, words: str) -> None:
        assert by.staff is not None
        LogEntry.objects.create(
            user=by.staff,
            content_type=ContentType.objects.get_for_model(self.model),
            object_id=row.pk if row else None,
            object_repr=str(row or self.label)[:200],
            action_flag=CHANGE,
            change_message=f"{self.label}. Reason: {words}",
            action_time=clock.now(),
        )

    def _preview(
        self, request: HttpRequest, row: Any, form: ReasonForm, *, status: int = 200
    ) -> HttpResponse:
        try:
            effects = self.effects(row, form.cleaned_data)
        except Refused as refused:
            return self._refused(request, row, form, refused)
        shown = {"effects": effects, "seen": self.seen(row)}
        return self._page(request, row, form, status=status, **shown)

    def _refused(
        self, request: HttpRequest, row: Any, form: ReasonForm, refused: Refused
    ) -> HttpResponse:
        """The form again, with the sentence beside what it is about, and what is so now."""
        field = refused.field if isinstance(refused, InvalidInput) else None
        form.add_error(field if field in form.fields else None, refused.sentence)
        return self._page(request, self._again(row), form, status=refused.status)

    def _page(
        self, request: HttpRequest, row: Any, form: ReasonForm, *, status: int = 200, **shown: Any
    ) -> HttpResponse:
        context = {
            **admin.site.each_context(request),
            "title": self.label,
            "opts": self.model._meta,
            "row": row,
            "back": self._back(request, row),
            "action": self,
            "refusal": self.refusal(row, Actor.support(person(request))),
            "form": form,
            "effects": (),
            "seen": "",
            **shown,
        }
        return TemplateResponse(request, TEMPLATE, context, status=status)

    def _rows(self) -> QuerySet[Any]:
        return self.model._default_manager.select_related(*self.related)

    def _again(self, row: Any) -> Any:
        """The row as it is now."""
        return self._rows().filter(pk=row.pk).order_by("pk").first() if row else None

    def _back(self, request: HttpRequest, row: Any) -> str:
        """The page of the row, for those who may look at it."""
        options = self.model._meta
        if not request.user.has_perm(f"{options.app_label}.view_{options.model_name}"):
            return reverse("admin:index")
        names = options.label_lower.replace(".", "_")
        return address(row) if row else reverse(f"admin:{names}_changelist")


def urls_of(model: type[Model], site: admin.AdminSite) -> list[URLPattern]:
    """The addresses of a model's actions."""
    return [one.url(site) for one in of_model(model) if isinstance(one, SupportAction)]
