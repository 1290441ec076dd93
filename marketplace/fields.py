"""Form fields that pages of several floors use."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from marketplace import money, policy
from marketplace.money import Money, NotAnAmount


class AmountField(forms.Field):
    """An amount as people type it, cleaned to :class:`~marketplace.money.Money`.

    What was typed stays in the field, right or wrong. The currency and the limits usually depend
    on the row a form is about: its ``__init__`` calls :meth:`limit`.

    Args:
        currency: ISO 4217 code of what is typed.
        minimum: the least allowed; without it anything above zero.
        maximum: the most allowed; without it the policy's maximum of one amount.
    """

    widget = forms.TextInput
    default_error_messages = {"required": "Type an amount."}

    def __init__(
        self,
        *,
        currency: str = "USD",
        minimum: Money | None = None,
        maximum: Money | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.limit(currency=currency, minimum=minimum, maximum=maximum)

    def limit(
        self,
        *,
        currency: str,
        minimum: Money | None = None,
        maximum: Money | None = None,
        below: str = "",
        above: str = "",
    ) -> None:
        """Say what may be typed.

        Args:
            below, above: the sentences for an amount outside the limits; by default they name the
                limit.
        """
        self.currency = currency
        self.minimum = minimum
        self.maximum = policy.maximum_amount(currency) if maximum is None else maximum
        self.below = below or (f"Type at least {minimum}." if minimum else "")
        self.above = above or f"Type at most {self.maximum}."

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:  # noqa: ARG002 - Django's
        return {"inputmode": "decimal", "autocomplete": "off"}

    def prepare_value(self, value: Any) -> Any:
        return value.typed() if isinstance(value, Money) else value

    def to_python(self, value: Any) -> Money | None:
        if value in self.empty_values:
            return None
        if isinstance(value, Money):
            return value
        try:
            return money.parse(str(value), self.currency)
        except NotAnAmount as error:
            raise ValidationError(str(error), code="invalid") from None

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is None:
            return
        if not value:
            raise ValidationError("Type an amount above zero.", code="zero")
        if self.minimum is not None and value < self.minimum:
            raise ValidationError(self.below, code="below")
        if value > self.maximum:
            raise ValidationError(self.above, code="above")
