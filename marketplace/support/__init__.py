"""The support desk: Django's admin as a window that reads, and actions that call capabilities.

Rows are only looked at (``lists``), with what belongs to them below (``sections``). Whatever
support does is an action of its own (``actions``), which asks for a reason, shows what will happen
and calls the function that everybody else calls.
"""
