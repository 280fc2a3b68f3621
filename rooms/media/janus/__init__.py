"""Janus with its VideoRoom as a media engine behind the interface of :mod:`rooms.media.engine`."""
