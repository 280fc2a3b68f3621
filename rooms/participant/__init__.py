"""A participant in Python: comes to a site by its own pages, speaks docs/protocol.md, sends and receives real media.

For tests, for load, and for ``server.py probe``. It knows of a site only what a browser knows.
"""
