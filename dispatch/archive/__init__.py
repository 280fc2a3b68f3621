"""Catalogue of recordings, their playback, and the jobs process."""
