"""Copies of recordings for third parties."""
