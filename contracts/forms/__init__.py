"""Input of the contracts pages, and its messages: a module for each subject."""
