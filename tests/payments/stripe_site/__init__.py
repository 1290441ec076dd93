"""The whole site with Stripe switched on, against the one in ``tests/fake_stripe``."""
