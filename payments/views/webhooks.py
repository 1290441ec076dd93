"""Where the payment provider tells what happened: no session, no form key, but a signature."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, RawPostDataException
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from payments import webhooks
from payments.gateways.stripe import events, identities


@method_decorator(csrf_exempt, name="dispatch")
class StripeWebhookView(View):
    """Takes a signed message in, and says nothing else to anybody."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            message = events.read(request.body, request.headers.get("Stripe-Signature", ""))
        except (events.Unsigned, RawPostDataException):  # a form is no message
            return HttpResponse(status=400)
        if message is not None:
            webhooks.receive(
                identities.NAME,
                event_id=message.event_id,
                kind=message.kind,
                about=message.about,
                account=message.account,
            )
        return HttpResponse(status=200)
