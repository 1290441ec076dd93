"""The gateway to Stripe: hosted pages, charges, refunds, payouts, disputes, its own statement."""
