"""Addresses of the contracts app."""

from django.urls import URLPattern, URLResolver, include, path, register_converter

from contracts.converters import IsoDate
from contracts.views import (
    bonuses,
    diary,
    disputes,
    dormancy,
    ending,
    jobs,
    milestones,
    offers,
    requests,
    room,
    statement,
    terms,
    weeks,
)

register_converter(IsoDate, "isodate")

_milestone = [
    path("edit/", milestones.Edit.as_view(), name="milestone_edit"),
    path("fund/", milestones.Fund.as_view(), name="milestone_fund"),
    path("submit/", milestones.Submit.as_view(), name="milestone_submit"),
    path("changes/", milestones.Changes.as_view(), name="milestone_changes"),
    path("extend/", milestones.Extend.as_view(), name="milestone_extend"),
    path("approve/", milestones.Approve.as_view(), name="milestone_approve"),
    path("agree/", milestones.Answer.as_view(verb="agree"), name="milestone_agree"),
    path("decline/", milestones.Answer.as_view(verb="decline"), name="milestone_decline"),
    path(
        "take-back-proposal/",
        milestones.Answer.as_view(verb="take-back-proposal"),
        name="milestone_take_back_proposal",
    ),
    path("take-back/", milestones.Answer.as_view(verb="take-back"), name="milestone_take_back"),
    path("delete/", milestones.Answer.as_view(verb="delete"), name="milestone_delete"),
    path("up/", milestones.Answer.as_view(verb="up"), name="milestone_up"),
]

_diary = [
    path("", diary.Diary.as_view(), name="diary"),
    path("add/", diary.Add.as_view(), name="diary_add"),
    path("<int:pk>/", diary.Change.as_view(), name="diary_change"),
    path("<int:pk>/remove/", diary.Remove.as_view(), name="diary_remove"),
    path("timer/start/", diary.StartTimer.as_view(), name="timer_start"),
    path("timer/stop/", diary.StopTimer.as_view(), name="timer_stop"),
]

_contract: list[URLPattern | URLResolver] = [
    path("", room.Overview.as_view(), name="room"),
    path("payments/", room.Payments.as_view(), name="room_payments"),
    path("statement/", statement.AsPage.as_view(), name="contract_statement"),
    path("statement/pdf/", statement.AsPdf.as_view(), name="contract_statement_pdf"),
    path("statement/csv/", statement.AsCsv.as_view(), name="contract_statement_csv"),
    path("messages/", room.Write.as_view(), name="write"),
    path("keep-open/", room.KeepOpen.as_view(), name="keep_open"),
    path("checklist/<slug:code>/<slug:verb>/", room.Checklist.as_view(), name="checklist_item"),
    path("offer/", offers.Offer.as_view(), name="offer"),
    path("offer/accept/", offers.Accept.as_view(), name="offer_accept"),
    path("offer/decline/", offers.Decline.as_view(), name="offer_decline"),
    path("offer/withdraw/", offers.Withdraw.as_view(), name="offer_withdraw"),
    path("people/", terms.People.as_view(), name="contract_people"),
    path(
        "people/assign/", terms.ChangePeople.as_view(verb="assign"), name="contract_people_assign"
    ),
    path(
        "people/release/",
        terms.ChangePeople.as_view(verb="release"),
        name="contract_people_release",
    ),
    path("limit/", terms.Limit.as_view(), name="week_limit"),
    path("pause/", terms.Pause.as_view(), name="pause_contract"),
    path("restart/", terms.Restart.as_view(), name="restart_contract"),
    path("still-working/", dormancy.StillWorking.as_view(), name="still_working"),
    path("ask-release/", dormancy.AskRelease.as_view(), name="ask_release"),
    path("end/", ending.End.as_view(), name="end_contract"),
    path("end/ask/", ending.AskThem.as_view(), name="ask_to_end"),
    path("end/figures/", ending.Preview.as_view(), name="end_preview"),
    path("bonus/", bonuses.Give.as_view(), name="give_bonus"),
    path("bonus/ask/", bonuses.Ask.as_view(), name="ask_bonus"),
    path(
        "bonus/requests/<int:pk>/decline/",
        bonuses.Decline.as_view(),
        name="decline_bonus_request",
    ),
    path(
        "bonus/requests/<int:pk>/withdraw/",
        bonuses.Withdraw.as_view(),
        name="withdraw_bonus_request",
    ),
    path("diary/", include(_diary)),
    path("milestones/new/", milestones.Add.as_view(), name="add_milestone"),
    path("milestones/propose/", milestones.Propose.as_view(), name="propose_milestone"),
    path("milestones/<int:number>/", include(_milestone)),
    path("weeks/<isodate:week>/pay/", weeks.Pay.as_view(), name="week_pay"),
    path("weeks/<isodate:week>/dispute/", disputes.New.as_view(), name="hours_dispute_new"),
    path(
        "weeks/<isodate:week>/dispute/figures/",
        disputes.Figures.as_view(),
        name="hours_dispute_figures",
    ),
]

_request = [
    path("", requests.Request.as_view(), name="escrow_refund"),
    path("let-go/", requests.LetGo.as_view(), name="escrow_refund_let_go"),
    path("split/", requests.Split.as_view(), name="escrow_refund_split"),
    path("dispute/", requests.Dispute.as_view(), name="escrow_refund_dispute"),
    path("pay-instead/", requests.PayInstead.as_view(), name="escrow_refund_pay_instead"),
    path("reject/", requests.Reject.as_view(), name="escrow_refund_reject"),
    path("add/", requests.Add.as_view(), name="escrow_refund_add"),
    path("split/<int:split>/agree/", requests.AgreeToSplit.as_view(), name="split_agree"),
    path("split/<int:split>/decline/", requests.DeclineSplit.as_view(), name="split_decline"),
    path("split/<int:split>/take-back/", requests.TakeBackSplit.as_view(), name="split_take_back"),
]

_hours_dispute = [
    path("", disputes.Dispute.as_view(), name="hours_dispute"),
    path("accept/", disputes.Accept.as_view(), name="hours_dispute_accept"),
    path("decline/", disputes.Decline.as_view(), name="hours_dispute_decline"),
    path("withdraw/", disputes.Withdraw.as_view(), name="hours_dispute_withdraw"),
]

urlpatterns = [
    path("jobs/", jobs.Jobs.as_view(), name="jobs"),
    path("jobs/new/", offers.NewContract.as_view(), name="new_contract"),
    path("contracts/<slug:reference>/", include(_contract)),
    path("escrow-refunds/<int:pk>/", include(_request)),
    path("hours-disputes/<int:pk>/", include(_hours_dispute)),
]
