"""The pieces pages are made of: strict about what they are given, valid in what they give."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.template import Context, TemplateSyntaxError, engines
from justhtml import JustHTML

from marketplace import clock, drawing
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
from marketplace.templatetags import components, when
from tests.support.detectors import page_mistakes

NOW = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
USD_500 = Money(500_00)
TEMPLATES = Path(settings.BASE_DIR) / "templates"


class AmountForm(forms.Form):
    amount = forms.CharField(help_text="At least $5.00.")
    note = forms.CharField(required=False, widget=forms.Textarea)
    kind = forms.ChoiceField(choices=[("fixed", "Fixed price")])
    side = forms.ChoiceField(
        choices=[("client", "Client"), ("talent", "Talent")], widget=forms.RadioSelect
    )
    agreed = forms.BooleanField(label="I give up $500.00.")

    def clean(self):
        raise forms.ValidationError("The contract has ended.")


def shown(source: str, **context) -> str:
    template = engines["django"].from_string(f"{{% load components when %}}{source}")
    with clock.at(NOW):
        return template.template.render(Context({"csrf_token": "token", **context})).strip()


def page(source: str, **context) -> JustHTML:
    """What the source shows, after a look for what no page may have."""
    html = shown(source, **context)
    assert page_mistakes(html, fragment=True) == []
    return JustHTML(html, fragment=True, sanitize=False)


def text(node) -> str:
    return " ".join(node.to_text().split())


# Every component, with nothing but what it must have ----------------------------------------------

MINIMAL = {
    "avatar": '{% avatar "NS" %}',
    "badge": '{% badge "manual" %}',
    "breadcrumbs": (
        '{% breadcrumbs current="Logo" %}{% crumb "My Jobs" "/jobs/" %}{% endbreadcrumbs %}'
    ),
    "button": '{% button "Save" %}',
    "callout": "{% callout %}On hold{% endcallout %}",
    "checklist": (
        '{% checklist label="L" %}'
        '{% checklist_row title="T" done=False url="/t/" %}{% endchecklist_row %}'
        "{% endchecklist %}"
    ),
    "choices": (
        '{% choices id="c" legend="Pay?" %}'
        '{% choice name="c" value="all" label="All" checked=False %}{% endchoice %}'
        "{% endchoices %}"
    ),
    "countdown": (
        '{% countdown title="Your answer" since=past until=now now=past %}{% endcountdown %}'
    ),
    "dialog": '{% dialog id="end" title="End contract" %}{% enddialog %}',
    "diary": "{% diary days %}",
    "diary_key": "{% diary_key %}",
    "effects": "{% effects effects %}",
    "empty_state": '{% empty_state title="No offers" %}{% endempty_state %}',
    "field": "{% field form.amount %}",
    "figure": '{% figure label="Available" value=amount %}',
    "form_errors": "{% form_errors form %}",
    "headline": '{% headline title="My Jobs" %}{% endheadline %}',
    "icon": '{% icon "clock" %}',
    "jobs": '{% jobs %}{% job title="Logo" url="/c/" %}{% endjob %}{% endjobs %}',
    "legend": "{% legend parts %}",
    "link_button": '{% link_button "Back" "/" %}',
    "menu": "{% menu items %}",
    "meter": '{% meter value=370 of=1200 label="6 h 10 min of 20 h" %}',
    "money": "{% money amount %}",
    "money_bar": "{% money_bar parts %}",
    "next_step": '{% next_step title="Milestone 2 was submitted." %}{% endnext_step %}',
    "pagination": '{% pagination older="?before=1" %}',
    "post_button": '{% post_button "Withdraw" "/w/" %}',
    "reminders": '{% reminders %}{% reminder icon="flag" %}R{% endreminder %}{% endreminders %}',
    "ring": "{% ring done=2 total=5 %}",
    "sheet": "{% sheet %}S{% endsheet %}",
    "stages": "{% stages stages %}",
    "stars": "{% stars 4 %}",
    "state_badge": '{% state_badge state="active" word="Active" %}',
    "steps": (
        '{% steps label="Milestones" %}'
        '{% step number=1 state="now" title="Draft" %}{% endstep %}'
        "{% endsteps %}"
    ),
    "tabs": '{% tabs label="Contracts" tabs=tabs %}',
    "timeline": (
        "{% timeline %}"
        '{% timeline_item at=now icon="flag" %}Ended{% endtimeline_item %}'
        "{% endtimeline %}"
    ),
    "tracks": "{% tracks tracks %}",
    "waits": '{% waits "Approve milestone 2" icon="clock" %}',
    "ways": (
        '{% ways label="Three ways" %}{% way title="Wait" amount=amount %}{% endway %}{% endways %}'
    ),
    "where": '{% where "held" "in escrow" %}',
}

CONTEXT = {
    "amount": USD_500,
    "days": [
        DiaryDay(label="Mon 16", total="1 h", stretches=[Stretch(start=0, end=60, kind="auto")])
    ],
    "effects": [Effect(term="Paid", value=USD_500)],
    "form": AmountForm(),
    "items": [MenuItem(label="End contract", url="/end/")],
    "now": NOW,
    "past": NOW - timedelta(days=2),
    "parts": [Part(kind="held", label="In escrow", amount=USD_500)],
    "stages": [Stage(word="asked", state="here")],
    "tabs": [Tab(label="Active", url="?", current=True, count=4)],
    "tracks": [
        Track(amount=USD_500, what="back to you", stages=[Stage(word="asked", state="here")])
    ],
}


@pytest.mark.parametrize("source", MINIMAL.values(), ids=MINIMAL)
def test_component_with_the_least_is_valid(source):
    page(source, **CONTEXT)


@pytest.mark.parametrize("source", MINIMAL.values(), ids=MINIMAL)
def test_component_refuses_an_unknown_parameter(source):
    with pytest.raises(TemplateSyntaxError, match="unexpected keyword argument 'colour'"):
        shown(source.replace(" %}", ' colour="red" %}', 1), **CONTEXT)


@pytest.mark.parametrize(
    "source",
    [
        "{% money %}",
        '{% where "held" %}',
        "{% button %}",
        '{% link_button "Back" %}',
        "{% headline %}{% endheadline %}",
        '{% dialog id="end" %}{% enddialog %}',
        '{% choices id="c" %}{% endchoices %}',
        '{% step number=1 state="now" %}{% endstep %}',
    ],
)
def test_component_misses_what_it_must_have(source):
    with pytest.raises(TemplateSyntaxError, match="did not receive value"):
        shown(source)


@pytest.mark.parametrize(
    "source",
    [
        '{% where "lost" "nowhere" %}',
        '{% button "Save" kind="danger" %}',
        '{% button "Save" icon_only=True %}',
        '{% callout kind="red" %}{% endcallout %}',
        '{% state_badge state="unheard_of" word="?" %}',
        '{% step number=1 state="lost" title="T" %}{% endstep %}',
        "{% timeline_item at=now %}{% endtimeline_item %}",
        '{% timeline_item at=now icon="flag" initials="NS" %}{% endtimeline_item %}',
        '{% checklist_row title="T" done=True %}{% endchecklist_row %}',
        "{% money nothing %}",
    ],
)
def test_component_refuses_what_it_does_not_know(source):
    with pytest.raises(TemplateSyntaxError):
        shown(source, now=NOW)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("{% money_bar wrong %}", Part(kind="lost", label="?", amount=USD_500)),
        (
            "{% tracks wrong %}",
            Track(amount="$1", what="?", stages=[Stage(word="?", state="lost")]),
        ),
        ("{% stages wrong %}", Stage(word="?", state="lost")),
        (
            "{% diary wrong %}",
            DiaryDay(label="?", total="", stretches=[Stretch(start=0, end=1, kind="lost")]),
        ),
        ("{% diary_key kinds=wrong %}", "lost"),
    ],
)
def test_component_refuses_kinds_in_its_objects(source, wrong):
    with pytest.raises(TemplateSyntaxError, match="'lost' is none of"):
        shown(source, wrong=[wrong])


# Slots ------------------------------------------------------------------------------------------


def test_slot_stands_where_the_component_wants_it():
    sheet = page(
        '{% sheet title="Milestones" %}Three'
        '{% slot "actions" %}<b>Add</b>{% endslot %}{% endsheet %}'
    )

    assert text(sheet.query("header .actions")[0]) == "Add"
    assert text(sheet.query("section")[0]).endswith("Three")


def test_slot_sees_the_variables_around_it():
    sheet = page(
        "{% for name in names %}{% sheet title=name %}{{ name }}"
        '{% slot "actions" %}{{ forloop.counter }}{% endslot %}{% endsheet %}{% endfor %}',
        names=["North", "South"],
    )

    assert [text(node) for node in sheet.query(".actions")] == ["1", "2"]


def test_empty_slot_leaves_nothing_behind():
    sheet = page('{% sheet title="T" %}{% slot "actions" %} {% endslot %}{% endsheet %}')

    assert sheet.query(".actions") == []


def test_slot_may_be_given_as_text_which_is_escaped():
    sheet = shown('{% choices id="c" legend=legend %}{% endchoices %}', legend="<b>Pay?</b>")

    assert "<legend>&lt;b&gt;Pay?&lt;/b&gt;</legend>" in sheet


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{% sheet %}{% slot "footer" %}{% endslot %}{% endsheet %}', 'sheet has no slot "footer"'),
        (
            (
                '{% sheet %}{% slot "actions" %}1{% endslot %}'
                '{% slot "actions" %}2{% endslot %}{% endsheet %}'
            ),
            "filled twice",
        ),
        ('{% sheet actions="a" %}{% slot "actions" %}{% endslot %}{% endsheet %}', "unexpected"),
        ("{% sheet %}{% slot actions %}{% endslot %}{% endsheet %}", "one name in quotes"),
        ('{% slot "actions" %}{% endslot %}', "does not stand directly inside a component"),
        (
            '{% sheet %}{% if 1 %}{% slot "actions" %}{% endslot %}{% endif %}{% endsheet %}',
            "does not stand directly inside a component",
        ),
    ],
)
def test_slot_in_a_wrong_place_is_an_error(source, message):
    with pytest.raises(TemplateSyntaxError, match=message):
        shown(source)


# Pieces -----------------------------------------------------------------------------------------


def test_money_is_formatted_and_words_stay_words():
    assert shown("{% money amount %}", amount=Money(1_234_50)) == (
        '<span class="money">$1,234.50</span>'
    )
    assert shown('{% money "6 h 10 min" %}') == '<span class="money">6 h 10 min</span>'


def test_icon_is_hidden_from_screen_readers():
    icon = page('{% icon "clock" 18 %}').query("svg")[0]

    assert (icon.attrs["aria-hidden"], icon.attrs["width"]) == ("true", "18")


def test_icon_only_button_has_a_name():
    button = page('{% button "Previous week" icon="chevron-left" icon_only=True %}').query(
        "button"
    )[0]

    assert button.attrs["aria-label"] == "Previous week"
    assert text(button) == ""


def test_button_opens_and_closes_a_dialog_without_a_form():
    opener = page('{% button "End contract" dialog="end" %}').query("button")[0].attrs
    closer = page('{% button "Keep contract" close="end" %}').query("button")[0].attrs

    assert (opener["type"], opener["command"], opener["commandfor"]) == (
        "button",
        "show-modal",
        "end",
    )
    assert (closer["type"], closer["command"]) == ("button", "close")


def test_disabled_button_says_why():
    shown_button = page('{% post_button "Withdraw" "/w/" disabled_reason="Only an owner can." %}')

    assert "disabled" in shown_button.query("button")[0].attrs
    assert "Only an owner can." in text(shown_button)


def test_post_button_carries_the_token_and_its_fields():
    form = page('{% post_button "Accept" "/a/" fields=fields %}', fields={"key": "k1"}).query(
        "form"
    )[0]

    hidden = {node.attrs["name"]: node.attrs["value"] for node in form.query("input")}
    assert hidden == {"csrfmiddlewaretoken": "token", "key": "k1"}


def test_breadcrumbs_end_with_the_page_itself():
    crumbs = page(MINIMAL["breadcrumbs"])

    assert crumbs.query("nav")[0].attrs["aria-label"] == "Breadcrumb"
    assert text(crumbs.query("[aria-current=page]")[0]) == "Logo"


def test_sheet_is_named_by_its_heading():
    sheet = page('{% sheet title="Where the money is now" %}{% endsheet %}')

    assert sheet.query("section")[0].attrs["aria-labelledby"] == sheet.query("h2")[0].attrs["id"]


def test_tab_of_this_page_is_marked_and_counts_may_be_words():
    tabs = [
        Tab(label="Overview", url="?", current=True),
        Tab(label="Handover", url="?h", count="2 open"),
    ]
    nav = page('{% tabs label="Contract" tabs=tabs %}', tabs=tabs)

    assert [text(node) for node in nav.query("[aria-current=page]")] == ["Overview"]
    assert text(nav.query(".count")[0]) == "2 open"


def test_tick_keeps_its_name_and_changes_its_state():
    row = (
        '{% checklist label="L" %}'
        '{% checklist_row title="Check the work" done=done url="/t/" %}{% endchecklist_row %}'
        "{% endchecklist %}"
    )
    open_tick, done_tick = (page(row, done=done).query("button")[0].attrs for done in (False, True))

    assert open_tick["aria-label"] == done_tick["aria-label"] == "Done: Check the work"
    assert (open_tick["aria-pressed"], done_tick["aria-pressed"]) == ("false", "true")


def test_effect_that_changed_says_what_it_was():
    effects = [Effect(term="Paid", value=Money(100_00), was=Money(300_00))]

    assert text(page("{% effects effects %}", effects=effects).query("dd")[0]) == (
        "$100.00 was $300.00"
    )


def test_choice_is_described_by_its_hint():
    choice = page(
        '{% choice name="pay" value="all" label="Pay all" checked=True hint="After fee" %}'
        "{% endchoice %}"
    )
    radio = choice.query("input")[0].attrs

    assert "checked" in radio
    assert text(choice.query(f"#{radio['aria-describedby']}")[0]) == "After fee"


def test_stage_an_amount_has_reached_is_the_current_step():
    stages = [Stage(word="released", state="past"), Stage(word="pending", state="here")]
    tracks = page("{% tracks tracks %}", tracks=[Track(amount=USD_500, what="", stages=stages)])

    assert [text(node) for node in tracks.query("[aria-current=step]")] == ["pending"]
    assert text(tracks.query(".past")[0]) == "done: released"


# Menu and dialog --------------------------------------------------------------------------------

MENU = [
    MenuItem(label="Add new milestone", url="/m/", icon="plus-circle"),
    MenuItem(label="Give a bonus", url="/b/", method="post"),
    MenuItem(label="Pause", disabled_reason="Only the client can pause."),
    MenuItem(label="End contract", dialog="end", separator_before=True),
]


def test_menu_is_a_popover_with_links_forms_dialogs_and_reasons():
    menu = page("{% menu items %}", items=MENU)
    opener = menu.query("button[popovertarget]")[0].attrs

    assert (opener["aria-label"], opener["popovertarget"]) == ("More options", "more")
    assert "popover" in menu.query("#more")[0].attrs
    assert menu.query("a")[0].attrs["href"] == "/m/"
    assert menu.query("form")[0].attrs["action"] == "/b/"
    assert "Only the client can pause." in text(menu.query("[aria-disabled=true]")[0])
    assert menu.query("li.apart button")[0].attrs["commandfor"] == "end"


def test_menu_of_a_row_names_the_row():
    opener = page('{% menu items of="Logo refresh" id="menu-1" %}', items=MENU).query("button")[0]

    assert opener.attrs["aria-label"] == "More options for Logo refresh"


def test_menu_of_nothing_is_not_there():
    assert shown("{% menu items %}", items=[]) == ""


def test_dialog_with_an_action_is_a_form_around_body_and_footer():
    dialog = page(
        '{% dialog id="end" title="End contract" action="/end/" %}Body'
        '{% slot "footer" %}{% button "End Contract" kind="stop" %}{% endslot %}{% enddialog %}'
    )

    assert dialog.query("dialog > form")[0].attrs["action"] == "/end/"
    assert text(dialog.query("form footer button")[0]) == "End Contract"
    assert dialog.query("dialog")[0].attrs["closedby"] == "closerequest"
    assert "open" not in dialog.query("dialog")[0].attrs


def test_dialog_is_named_by_its_heading_where_focus_starts():
    dialog = page(MINIMAL["dialog"])
    heading = dialog.query("h2")[0].attrs

    assert dialog.query("dialog")[0].attrs["aria-labelledby"] == heading["id"]
    assert (heading["tabindex"], "autofocus" in heading) == ("-1", True)


def test_dialog_that_opens_with_its_page_stands_in_it_without_scripts():
    dialog = page('{% dialog id="end" title="End contract" open=True %}{% enddialog %}')

    assert {"open", "data-open"} <= set(dialog.query("dialog")[0].attrs)


# Money and time in pictures ---------------------------------------------------------------------


def test_countdown_says_and_draws_how_much_time_is_left():
    source = (
        '{% countdown title="Your answer" since=since until=until now=now label="until"'
        " yours=True %}"
        'If not, it goes back.{% slot "what" %}A split.{% endslot %}{% endcountdown %}'
    )
    times = {"since": NOW - timedelta(days=1), "until": NOW + timedelta(days=3), "now": NOW}

    box = page(source, **times)

    assert "3 days left" in text(box.query(".figure-line")[0])
    assert box.query("rect")[0].attrs["width"] == "25.00%"
    assert "yours" in box.query("section")[0].attrs["class"]
    assert "A split." in text(box.query("section")[0])


def test_countdown_that_is_over_draws_nothing():
    times = {"since": NOW - timedelta(days=1), "until": NOW, "now": NOW}

    box = page(
        '{% countdown title="T" since=since until=until now=now %}Over.{% endcountdown %}', **times
    )

    assert box.query("svg") == []
    assert text(box.query("section")[0]) == "T Over."


def test_money_bar_leaves_out_zero_and_tells_the_rest_in_words():
    parts = [
        Part(kind="paid", label="Paid", amount=Money(450_00)),
        Part(kind="returned", label="Returned from escrow", amount=Money(0)),
        Part(kind="held", label="In escrow", amount=Money(500_00)),
    ]
    bar = page("{% money_bar parts %}", parts=parts)

    assert bar.query("svg[role=img]")[0].attrs["aria-label"] == "$450.00 paid, $500.00 in escrow"
    assert [text(item) for item in bar.query(".legend li")] == ["Paid $450.00", "In escrow $500.00"]


def test_money_bar_of_nothing_says_so():
    assert 'aria-label="No money yet"' in shown("{% money_bar parts %}", parts=[])


@pytest.mark.parametrize("minor", [(1, 1), (450_00, 500_00, 150_00), (1, 99_999_999_99, 2)])
def test_bar_is_filled_from_edge_to_edge_and_every_part_can_be_seen(minor):
    bars = drawing.bar([Part(kind="paid", label="", amount=Money(amount)) for amount in minor])
    edges = [float(bar["x"].rstrip("%")) for bar in bars]
    widths = [float(bar["width"].rstrip("%")) for bar in bars]

    assert edges[0] == 0
    assert edges[-1] + widths[-1] == pytest.approx(100, abs=0.05)
    assert min(widths) > 1


def test_lane_cuts_off_what_lies_outside_its_hours():
    stretches = [
        Stretch(start=6 * 60, end=8 * 60, kind="auto"),
        Stretch(start=22 * 60, end=23 * 60, kind="manual"),
    ]

    assert drawing.lane(stretches, from_hour=7, to_hour=19) == {
        "height": "30",
        "blocks": [{"kind": "auto", "x": "0.00%", "width": "8.33%", "y": "4", "height": "22"}],
    }


def test_what_was_done_at_the_same_time_lies_one_below_the_other():
    stretches = [
        Stretch(start=8 * 60, end=10 * 60, kind="auto"),
        Stretch(start=9 * 60, end=11 * 60, kind="manual"),
        Stretch(start=10 * 60, end=11 * 60, kind="auto"),
    ]

    lane = drawing.lane(stretches, from_hour=7, to_hour=19)

    assert [(one["y"], one["height"]) for one in lane["blocks"]] == [
        ("4", "10"),
        ("15", "10"),
        ("4", "10"),
    ]
    assert lane["height"] == "30"


def test_lane_grows_with_many_people_at_the_same_time():
    stretches = [Stretch(start=480, end=490, kind="auto")] * 5

    lane = drawing.lane(stretches, from_hour=7, to_hour=19)

    assert lane["height"] == "53"
    assert [one["y"] for one in lane["blocks"]] == ["4", "13", "22", "31", "40"]


def test_shortest_stretch_can_be_seen():
    (block,) = drawing.lane([Stretch(start=0, end=1, kind="run")], from_hour=0, to_hour=24)[
        "blocks"
    ]

    assert block["width"] == "0.50%"


def test_day_of_the_diary_is_told_in_words():
    stretches = [
        Stretch(start=540, end=630, kind="auto"),
        Stretch(start=780, end=810, kind="manual"),
        Stretch(start=900, end=910, kind="run"),
        Stretch(start=1430, end=1440, kind="over"),
    ]
    days = [DiaryDay(label="Mon 16", total="2 h 10 min", stretches=stretches)]

    assert page("{% diary days %}", days=days).query(".lane")[0].attrs["aria-label"] == (
        "Mon 16: 2 h 10 min; 09:00–10:30, 13:00–13:30 manual, 15:00–15:10 running,"
        " 23:50–24:00 not billed"
    )


def test_meter_stays_within_its_limit():
    assert 'width="100.00%"' in shown('{% meter value=30 of=20 label="30 h of 20 h" %}')
    assert 'width="0.00%"' in shown('{% meter value=0 of=0 label="No limit" %}')


# Forms ------------------------------------------------------------------------------------------


def test_field_is_described_by_its_error_and_its_help():
    form = AmountForm({"amount": ""})
    field = page("{% field form.amount %}", form=form)
    control = field.query("input")[0].attrs

    assert control["aria-invalid"] == "true"
    described = [text(field.query(f"#{name}")[0]) for name in control["aria-describedby"].split()]
    assert sorted(described) == ["At least $5.00.", "This field is required."]


@pytest.mark.parametrize(
    ("name", "css"),
    [
        ("amount", "form-control"),
        ("note", "form-control"),
        ("kind", "form-select"),
        ("agreed", "form-check-input"),
    ],
)
def test_field_looks_like_its_kind(name, css):
    field = page(f"{{% field form.{name} %}}", form=AmountForm())

    assert field.query(f".{css}") != []
    assert field.query("label")[0].attrs["for"] == f"id_{name}"


def test_field_of_options_is_a_group_with_its_error():
    group = page("{% field form.side %}", form=AmountForm({"side": "nobody"}))
    fieldset = group.query("fieldset")[0]

    assert text(group.query("legend")[0]) == "Side"
    assert [text(label) for label in group.query("label")] == ["Client", "Talent"]
    described = group.query(f"#{fieldset.attrs['aria-describedby']}")[0]
    assert "nobody is not one of the available choices" in text(described)


def test_field_of_options_keeps_what_was_chosen():
    group = page("{% field form.side %}", form=AmountForm({"side": "talent"}))

    assert [node.attrs["value"] for node in group.query("input") if "checked" in node.attrs] == [
        "talent"
    ]


def test_field_keeps_its_label_for_screen_readers_when_bare():
    field = page('{% field form.amount bare=True prefix="$" %}', form=AmountForm())

    assert "visually-hidden" in field.query("label")[0].attrs["class"]
    assert text(field.query(".input-group-text")[0]) == "$"


def test_errors_of_the_whole_form_are_announced():
    form = AmountForm({"amount": "5"})

    assert text(page("{% form_errors form %}", form=form).query("[role=alert]")[0]) == (
        "The contract has ended."
    )


# The reference and the house rules --------------------------------------------------------------


def test_every_tag_is_in_the_reference():
    reference = (Path(settings.BASE_DIR) / "docs" / "components.md").read_text()
    inner = {"slot", "section", "font_url"}  # the frame's own
    tags = (set(components.register.tags) | set(when.register.tags)) - inner

    assert {tag for tag in tags if f"`{tag}`" not in reference} == set()


def test_no_template_holds_what_the_policy_forbids():
    forbidden = re.compile(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)")
    tags = re.compile(r"\{%.*?%\}")
    letter = TEMPLATES / "marketplace" / "email.html"  # is read in a mail program, not here
    pages = set(TEMPLATES.rglob("*.html")) - {letter}

    found = [path for path in pages if forbidden.search(tags.sub("", path.read_text()))]

    assert found == []
