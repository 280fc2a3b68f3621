"""The API for programs, /api/v1: the acts of the pages as resources, described by the very models that check them.

Each row of the route table is an :class:`~dispatch.web.api.operations.Operation`. What it takes and gives is read off the
handler's signature, and so is the description that programs get at /api/v1/openapi.json and people at /api/v1/docs.
"""
