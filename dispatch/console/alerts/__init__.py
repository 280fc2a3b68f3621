"""Alerts of the command centre: raised once, told at once, handled as tasks."""
