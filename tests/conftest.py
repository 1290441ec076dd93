"""What every test gets without asking; each plugin says in its first lines what it does."""

pytest_plugins = [
    "tests.support.profile",
    "tests.support.selection",
    "tests.support.detectors",
    "tests.support.append_only",
    "tests.fake_stripe.fixtures",
]
