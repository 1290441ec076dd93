"""Settings, one module per way of running the site.

``embedded`` runs everything on one machine without a server beside it, ``production`` refuses what
would be unsafe in public, ``test`` is what the test suite uses. ``base`` holds what they share.
"""
