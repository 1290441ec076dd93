"""Every component on one page, for the eyes of developers and of Chromium: tests only."""
