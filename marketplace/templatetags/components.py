"""The small pieces pages are made of; docs/components.md is their reference.

Parameters are declared by the signatures, so that an unknown or missing one is an error when a
template is compiled; an unknown kind is one when it is rendered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from django import template
from django.forms import BaseForm, BoundField, CheckboxInput, RadioSelect, Select
from django.forms.utils import flatatt
from django.template import Context, TemplateSyntaxError
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from heroicons.templatetags.heroicons import heroicon_outline, heroicon_solid

from marketplace import drawing, moments
from marketplace.components import (
    DiaryDay,
    Effect,
    MenuItem,
    Part,
    Stage,
    Stretch,
    Tab,
    Track,
)
from marketplace.money import Money
from marketplace.slots import block, slot

register = template.Library()
register.tag(slot)

BUTTONS: Final = ("main", "quiet", "stop", "plain")
PLACES: Final = ("paid", "held", "review", "back", "planned", "plain")
PARTS: Final = ("paid", "review", "held", "returned", "refunded", "planned", "fee")
CALLOUTS: Final = {
    "info": "information-circle",
    "done": "check-circle",
    "warning": "exclamation-triangle",
    "error": "exclamation-circle",
    "locked": "lock-closed",
}
STEPS: Final = ("done", "now", "later")
STAGES: Final = ("past", "here", "future")
STRETCHES: Final = {
    "auto": "recorded",
    "manual": "manual",
    "run": "running",
    "over": "not billed",
}
STATE_ICONS: Final = {
    "accepted": "check-circle",
    "active": "play",
    "agreed": "check-circle",
    "available": "check-circle",
    "cancelled": "x-circle",
    "changes_requested": "arrow-uturn-left",
    "closed": "no-symbol",
    "conceded": "check-circle",
    "conceded_by_silence": "check-circle",
    "decided": "scale",
    "declined": "x-circle",
    "disputed": "hand-raised",
    "dormant": "moon",
    "ended": "check-circle",
    "escalated": "lifebuoy",
    "expired": "clock",
    "funded": "lock-closed",
    "granted": "check-circle",
    "lapsed": "clock",
    "mediating": "scale",
    "offered": "envelope",
    "on_hold": "exclamation-triangle",
    "paid": "banknotes",
    "paused": "pause",
    "pending": "clock",
    "planned": "pencil-square",
    "proposed": "light-bulb",
    "submitted": "inbox-arrow-down",
    "suspended": "pause-circle",
    "waiting": "clock",
    "withdrawn": "arrow-uturn-left",
}

# Small pieces ----------------------------------------------------------------------------------


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, size: int = 20, *, solid: bool = False) -> SafeString:
    drawn = heroicon_solid if solid else heroicon_outline
    return mark_safe(drawn(name, size=size))  # noqa: S308 - a picture from the package


@register.simple_tag
def font_url() -> str:
    """The font's address, spelt exactly as in the stylesheet, so that it is loaded once."""
    return unquote(static("font/Figtree[wght].ttf"))


@register.simple_tag
def money(amount: Money | str) -> SafeString:
    return format_html('<span class="money">{}</span>', _words(amount))


@register.simple_tag
def state_badge(*, state: str, word: str, icon: str = "") -> SafeString:
    chosen = icon or STATE_ICONS.get(state, "")
    if not chosen:
        raise TemplateSyntaxError(f"state_badge: {state!r} needs an icon")
    return badge(word, icon=chosen)


@register.simple_tag
def badge(word: str, *, icon: str = "") -> SafeString:
    picture = _icon(icon, 15) if icon else ""
    return format_html('<span class="badge-state">{}{}</span>', picture, word)


@register.simple_tag
def where(kind: str, word: str) -> SafeString:
    _check("where", kind, PLACES)
    return format_html('<span class="where {}">{}</span>', kind, word)


@register.simple_tag
def avatar(initials: str) -> SafeString:
    return format_html('<span class="avatar" aria-hidden="true">{}</span>', initials)


@register.inclusion_tag("components/figure.html")
def figure(*, label: str, value: Money | str, note: str = "", kind: str = "") -> dict[str, Any]:
    if kind:
        _check("figure", kind, PLACES)
    return {"label": label, "value": _words(value), "note": note, "kind": kind}


@register.inclusion_tag("components/ring.html")
def ring(*, done: int, total: int) -> dict[str, Any]:
    return {"done": done, "total": total}


@register.inclusion_tag("components/stars.html")
def stars(value: float, *, of: int = 5) -> dict[str, Any]:
    full = int(value + 0.5)
    return {"words": f"{value:g} of {of} stars", "stars": [place < full for place in range(of)]}


# Buttons ---------------------------------------------------------------------------------------


@register.inclusion_tag("components/button.html")
def button(
    label: str,
    *,
    kind: str = "quiet",
    icon: str = "",
    icon_only: bool = False,
    wide: bool = False,
    submit: bool = True,
    name: str = "",
    value: str = "",
    form: str = "",
    formaction: str = "",
    novalidate: bool = False,
    describedby: str = "",
    dialog: str = "",
    close: str = "",
    popover: str = "",
    disabled_reason: str = "",
) -> dict[str, Any]:
    commands = _commands(dialog=dialog, close=close, popover=popover)
    attributes = {
        "type": "submit" if submit and not commands else "button",
        "name": name,
        "value": value,
        "form": form,
        "formaction": formaction,
        "formnovalidate": novalidate,
        "disabled": bool(disabled_reason),
        **commands,
    }
    shown = _button("button", label, kind, icon, icon_only, wide, describedby, attributes)
    return {**shown, "disabled_reason": disabled_reason}


@register.inclusion_tag("components/link_button.html")
def link_button(
    label: str,
    url: str,
    *,
    kind: str = "quiet",
    icon: str = "",
    icon_only: bool = False,
    wide: bool = False,
    describedby: str = "",
) -> dict[str, Any]:
    address = {"href": url}
    return _button("link_button", label, kind, icon, icon_only, wide, describedby, address)


@register.inclusion_tag("components/post_button.html")
def post_button(
    label: str,
    url: str,
    *,
    kind: str = "quiet",
    icon: str = "",
    icon_only: bool = False,
    wide: bool = False,
    describedby: str = "",
    disabled_reason: str = "",
    fields: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    attributes: dict[str, str | bool] = {"type": "submit", "disabled": bool(disabled_reason)}
    shown = _button("post_button", label, kind, icon, icon_only, wide, describedby, attributes)
    return {
        **shown,
        "url": url,
        "wide": wide,
        "fields": fields or {},
        "disabled_reason": disabled_reason,
    }


# Page ------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def section(context: Context) -> str:
    """Which entry of the main navigation the page belongs to: jobs, payments, help or none."""
    request = context.get("request")
    head = request.path.split("/", 2)[1] if request else ""
    return {
        "jobs": "jobs",
        "contracts": "jobs",
        "escrow-refunds": "jobs",
        "hours-disputes": "jobs",
        "payments": "payments",
        "help": "help",
        "inbox": "inbox",
    }.get(head, "")


@block(register, "components/breadcrumbs.html")
def breadcrumbs(*, body: str, current: str) -> dict[str, Any]:
    return {"body": body, "current": current}


@register.simple_tag
def crumb(label: str, url: str) -> SafeString:
    return format_html('<li><a href="{}">{}</a></li>', url, label)


@block(register, "components/headline.html", slots=("actions",))
def headline(*, body: str, title: str, actions: str = "") -> dict[str, Any]:
    return {"body": body, "title": title, "actions": actions}


# Containers ------------------------------------------------------------------------------------


@block(register, "components/sheet.html", slots=("actions",))
def sheet(
    *,
    body: str,
    title: str = "",
    note: str = "",
    label: str = "",
    id: str = "",
    pad: bool = False,
    actions: str = "",
) -> dict[str, Any]:
    return {
        "body": body,
        "title": title,
        "note": note,
        "label": label,
        "id": id or slugify(title),
        "pad": pad,
        "actions": actions,
    }


@block(register, "components/next_step.html", slots=("actions",))
def next_step(*, body: str, title: str, actions: str = "") -> dict[str, Any]:
    return {"body": body, "title": title, "actions": actions}


@block(register, "components/callout.html", slots=("actions",))
def callout(*, body: str, kind: str = "info", title: str = "", actions: str = "") -> dict[str, Any]:
    _check("callout", kind, CALLOUTS)
    return {
        "body": body,
        "kind": kind,
        "title": title,
        "actions": actions,
        "icon": CALLOUTS[kind],
    }


@block(register, "components/countdown.html", slots=("what",))
def countdown(
    *,
    body: str,
    title: str,
    since: datetime,
    until: datetime,
    now: datetime,
    label: str = "",
    yours: bool = False,
    what: str = "",
) -> dict[str, Any]:
    """What waits for somebody until a moment: how much time is left, in words and drawn."""
    gone = (now - since) / (until - since) if until > since else 1.0
    left = moments.left(until, now).removeprefix("in ")
    return {
        "body": body,
        "title": title,
        "until": until,
        "label": label,
        "yours": yours,
        "what": what,
        "is_over": until <= now,
        "left": left,
        "gone": drawing.percent(100 * max(0.0, min(gone, 1.0))),
    }


@block(register, "components/empty_state.html", slots=("actions",))
def empty_state(*, body: str, title: str, icon: str = "inbox", actions: str = "") -> dict[str, Any]:
    return {"body": body, "title": title, "icon": icon, "actions": actions}


# Menu and dialog -------------------------------------------------------------------------------


@register.inclusion_tag("components/menu.html")
def menu(items: Sequence[MenuItem], *, of: str = "", id: str = "more") -> dict[str, Any]:
    name = f"More options for {of}" if of else "More options"
    return {"items": items, "name": name, "id": id}


@block(register, "components/dialog.html", slots=("footer",))
def dialog(
    *,
    body: str,
    id: str,
    title: str,
    note: str = "",
    action: str = "",
    open: bool = False,
    footer: str = "",
) -> dict[str, Any]:
    return {
        "body": body,
        "id": id,
        "title": title,
        "note": note,
        "action": action,
        "open": open,
        "footer": footer,
    }


# Lists -----------------------------------------------------------------------------------------


@register.inclusion_tag("components/tabs.html")
def tabs(*, label: str, tabs: Sequence[Tab]) -> dict[str, Any]:
    return {"label": label, "tabs": tabs}


@block(register, "components/jobs.html")
def jobs(*, body: str) -> dict[str, Any]:
    return {"body": body}


@block(register, "components/job.html", slots=("waits", "figures", "menu"))
def job(
    *, body: str, title: str, url: str, waits: str = "", figures: str = "", menu: str = ""
) -> dict[str, Any]:
    return {
        "body": body,
        "title": title,
        "url": url,
        "waits": waits,
        "figures": figures,
        "menu": menu,
    }


@register.inclusion_tag("components/waits.html")
def waits(words: str, *, icon: str, url: str = "", note: str = "") -> dict[str, Any]:
    return {"words": words, "icon": icon, "url": url, "note": note}


@block(register, "components/timeline.html")
def timeline(*, body: str, label: str = "Timeline") -> dict[str, Any]:
    return {"body": body, "label": label}


@block(register, "components/timeline_item.html")
def timeline_item(
    *, body: str, at: datetime, icon: str = "", initials: str = "", name: str = ""
) -> dict[str, Any]:
    if bool(icon) == bool(initials):
        raise TemplateSyntaxError("timeline_item takes an icon or initials")
    return {"body": body, "at": at, "icon": icon, "initials": initials, "name": name}


@block(register, "components/steps.html")
def steps(*, body: str, label: str) -> dict[str, Any]:
    return {"body": body, "label": label}


@block(register, "components/step.html", slots=("where", "more"))
def step(
    *,
    body: str,
    number: int,
    state: str,
    title: str,
    note: str = "",
    amount: Money | None = None,
    where: str = "",
    more: str = "",
) -> dict[str, Any]:
    _check("step", state, STEPS)
    return {
        "body": body,
        "number": number,
        "state": state,
        "title": title,
        "note": note,
        "amount": amount,
        "where": where,
        "more": more,
    }


@block(register, "components/checklist.html")
def checklist(*, body: str, label: str) -> dict[str, Any]:
    return {"body": body, "label": label}


@block(register, "components/checklist_row.html", slots=("action",))
def checklist_row(
    *,
    body: str,
    title: str,
    done: bool,
    url: str = "",
    icon: str = "",
    name: str = "",
    action: str = "",
) -> dict[str, Any]:
    if bool(url) == bool(icon):
        raise TemplateSyntaxError("checklist_row takes a url to tick or an icon")
    return {
        "body": body,
        "title": title,
        "done": done,
        "url": url,
        "icon": icon,
        "name": name or title,
        "action": action,
    }


@block(register, "components/reminders.html")
def reminders(*, body: str) -> dict[str, Any]:
    return {"body": body}


@block(register, "components/reminder.html")
def reminder(*, body: str, icon: str) -> dict[str, Any]:
    return {"body": body, "icon": icon}


@block(register, "components/ways.html")
def ways(*, body: str, label: str) -> dict[str, Any]:
    return {"body": body, "label": label}


@block(register, "components/way.html", slots=("action",))
def way(
    *, body: str, title: str, amount: Money | str, current: bool = False, action: str = ""
) -> dict[str, Any]:
    return {
        "body": body,
        "title": title,
        "amount": _words(amount),
        "current": current,
        "action": action,
    }


@block(register, "components/choices.html", slots=("legend",))
def choices(
    *, body: str, id: str, legend: str, errors: Sequence[str] = (), note: str = ""
) -> dict[str, Any]:
    return {"body": body, "id": id, "legend": legend, "errors": errors, "note": note}


@block(register, "components/choice.html")
def choice(
    *,
    body: str,
    name: str,
    value: str,
    label: str,
    checked: bool,
    hint: str = "",
    amount: Money | str | None = None,
    required: bool = False,
) -> dict[str, Any]:
    return {
        "body": body,
        "name": name,
        "value": value,
        "label": label,
        "checked": checked,
        "hint": hint,
        "amount": amount,
        "required": required,
    }


@register.inclusion_tag("components/effects.html")
def effects(effects: Sequence[Effect], *, title: str = "", level: int = 3) -> dict[str, Any]:
    return {"effects": effects, "title": title, "level": level}


@register.inclusion_tag("components/tracks.html")
def tracks(tracks: Sequence[Track]) -> dict[str, Any]:
    for track in tracks:
        _check_stages("tracks", track.stages)
    return {"tracks": tracks}


@register.inclusion_tag("components/stages.html")
def stages(stages: Sequence[Stage]) -> dict[str, Any]:
    _check_stages("stages", stages)
    return {"stages": stages}


@register.inclusion_tag("components/pagination.html")
def pagination(*, newer: str = "", older: str = "", label: str = "Pages") -> dict[str, Any]:
    return {"newer": newer, "older": older, "label": label}


@register.inclusion_tag("components/diary.html")
def diary(days: Sequence[DiaryDay], *, from_hour: int = 0, to_hour: int = 24) -> dict[str, Any]:
    lanes = [
        {
            "day": day,
            "words": _stretches(day.stretches),
            **drawing.lane(day.stretches, from_hour=from_hour, to_hour=to_hour),
        }
        for day in days
    ]
    return {"lanes": lanes, "lines": drawing.hour_lines(from_hour=from_hour, to_hour=to_hour)}


@register.inclusion_tag("components/diary_key.html")
def diary_key(*, kinds: Sequence[str] = ("auto", "manual", "run")) -> dict[str, Any]:
    for kind in kinds:
        _check("diary_key", kind, STRETCHES)
    return {"marks": [(kind, STRETCHES[kind]) for kind in kinds]}


# Money -----------------------------------------------------------------------------------------


@register.inclusion_tag("components/money_bar.html")
def money_bar(parts: Sequence[Part], *, legend: bool = True) -> dict[str, Any]:
    shown = _parts("money_bar", parts)
    words = ", ".join(f"{part.amount.format()} {_lower(part.label)}" for part in shown)
    return {
        "parts": shown,
        "bars": drawing.bar(shown),
        "words": words or "No money yet",
        "with_legend": legend,
    }


@register.inclusion_tag("components/legend.html")
def legend(parts: Sequence[Part]) -> dict[str, Any]:
    return {"parts": _parts("legend", parts)}


@register.inclusion_tag("components/meter.html")
def meter(*, value: int, of: int, label: str) -> dict[str, Any]:
    share = 100 * value / of if of else 0
    return {"width": drawing.percent(max(0, min(share, 100))), "label": label}


# Forms -----------------------------------------------------------------------------------------


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: BaseForm) -> dict[str, Any]:
    return {"errors": form.non_field_errors()}


@register.inclusion_tag("components/field.html")
def field(
    bound: BoundField,
    *,
    prefix: str = "",
    suffix: str = "",
    bare: bool = False,
    label: str = "",
    needed: str = "",
) -> dict[str, Any]:
    options = isinstance(bound.field.widget, RadioSelect)
    return {
        "bound": bound,
        "options": options,
        "control": "" if options else _control(bound),
        "check": isinstance(bound.field.widget, CheckboxInput),
        "prefix": prefix,
        "suffix": suffix,
        "bare": bare,
        "label": label or bound.label,
        "needed": needed,
    }


# Help ------------------------------------------------------------------------------------------

_icon = icon


def _check(tag: str, kind: str, kinds: Collection[str]) -> None:
    if kind not in kinds:
        raise TemplateSyntaxError(f"{tag}: {kind!r} is none of {', '.join(kinds)}")


def _check_stages(tag: str, stages: Sequence[Stage]) -> None:
    for stage in stages:
        _check(tag, stage.state, STAGES)


def _words(value: Money | str) -> str:
    """An amount as people read it; other values are words already, and never nothing."""
    words = value.format() if isinstance(value, Money) else str(value)
    if not words:
        raise TemplateSyntaxError("an amount is missing")
    return words


def _lower(label: str) -> str:
    """A label inside a sentence; a name in it keeps its capitals."""
    return label[:1].lower() + label[1:]


def _parts(tag: str, parts: Sequence[Part]) -> list[Part]:
    for part in parts:
        _check(tag, part.kind, PARTS)
    return [part for part in parts if part.amount.minor > 0]


def _commands(*, dialog: str, close: str, popover: str) -> dict[str, str]:
    """What a button does without a form: open or close a dialog, toggle a popover."""
    if dialog:
        return {"command": "show-modal", "commandfor": dialog}
    if close:
        return {"command": "close", "commandfor": close}
    return {"popovertarget": popover} if popover else {}


def _button(
    tag: str,
    label: str,
    kind: str,
    icon: str,
    icon_only: bool,
    wide: bool,
    describedby: str,
    attributes: Mapping[str, str | bool],
) -> dict[str, Any]:
    _check(tag, kind, BUTTONS)
    if icon_only and not icon:
        raise TemplateSyntaxError(f"{tag}: icon_only without an icon")
    classes = ["btn", f"btn-{kind}", *(["btn-dots"] * icon_only), *(["w-100"] * wide)]
    every = {
        "class": " ".join(classes),
        "aria-label": label if icon_only else "",
        "aria-describedby": describedby,
        **attributes,
    }
    given = {key: value for key, value in every.items() if value not in ("", False)}
    return {
        "attributes": flatatt(given),
        "label": label,
        "icon": icon,
        "icon_only": icon_only,
        "size": 22 if icon_only else 18,
    }


def _control(bound: BoundField) -> SafeString:
    """The field's input with the classes its kind and its errors call for."""
    widget = bound.field.widget
    kind = "form-control"
    if isinstance(widget, CheckboxInput):
        kind = "form-check-input"
    elif isinstance(widget, Select):
        kind = "form-select"
    own = widget.attrs.get("class", "")
    wrong = "is-invalid" if bound.errors else ""
    return bound.as_widget(attrs={"class": " ".join(filter(None, [kind, own, wrong]))})


def _stretches(stretches: Sequence[Stretch]) -> str:
    """A day's stretches in words: 09:00–10:30, 13:00–13:30 manual."""
    words = []
    for stretch in stretches:
        _check("diary", stretch.kind, STRETCHES)
        span = f"{_clock(stretch.start)}–{_clock(stretch.end)}"
        words.append(span if stretch.kind == "auto" else f"{span} {STRETCHES[stretch.kind]}")
    return ", ".join(words)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
