"""Rooms, spans of time, and what is in the way of what."""
