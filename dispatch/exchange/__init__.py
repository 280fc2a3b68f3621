"""Sittings as files: lists and calendars that come in, and those that go out."""
