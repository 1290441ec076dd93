"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from marketplace.views import account, articles, demo, front, health, inbox, support, sure

urlpatterns = [
    path("", front.Front.as_view(), name="front"),
    path("", include("contracts.urls")),
    path("", include("feedback.urls")),
    path("", include("payments.urls")),
    path("inbox/", inbox.Inbox.as_view(), name="inbox"),
    path("inbox/read/", inbox.ReadAll.as_view(), name="inbox_read"),
    path("inbox/<int:pk>/", inbox.Open.as_view(), name="notice"),
    path("account/", account.Account.as_view(), name="account"),
    path("account/switch/", account.SwitchParty.as_view(), name="switch_party"),
    path("help/", articles.Index.as_view(), name="help"),
    path("help/contact/", support.Contact.as_view(), name="contact_support"),
    path("help/<slug:slug>/", articles.Article.as_view(), name="help_article"),
    path("help/<slug:slug>/vote/", articles.Vote.as_view(), name="help_vote"),
    path("terms/", front.Terms.as_view(), name="terms"),
    path("privacy/", front.Privacy.as_view(), name="privacy"),
    path("demo/sign-in/", demo.SignIn.as_view(), name="demo_sign_in"),
    path("demo/other-side/", demo.OtherSide.as_view(), name="demo_other_side"),
    path("demo/next-deadline/", demo.NextDeadline.as_view(), name="demo_next_deadline"),
    path("demo/next-day/", demo.NextDay.as_view(), name="demo_next_day"),
    path("demo/start-over/", demo.StartOver.as_view(), name="demo_start_over"),
    path("accounts/password/set/", sure.ChoosePassword.as_view(), name="account_set_password"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
]
