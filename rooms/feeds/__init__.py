"""Live video of people in the field: one phone sends, officers of the command centre watch. No sitting, and no procedure.

:mod:`rooms.feeds.feed` is what a feed is, :mod:`rooms.feeds.room` its connections and its router, :mod:`rooms.feeds.feeds` all of a server.
"""
