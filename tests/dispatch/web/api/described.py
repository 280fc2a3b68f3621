"""Holds every answer against the description: its status, its media type and its body are among those that are described."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs

Json = dict[str, Any]


class Description:
    """The description of a site, as a program reads it at /api/v1/openapi.json."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self._paths = {
            path: re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))) for path in sorted(document["paths"], key=lambda p: "{" in p)
        }

    def operation(self, method: str, path: str) -> Json | None:
        """The operation that answers there, None where none is described."""
        for template, pattern in self._paths.items():
            if pattern.fullmatch(path):
                found: Json | None = self.document["paths"][template].get(method.lower())
                return found
        return None

    def check(self, method: str, path: str, status: int, media_type: str, body: Json) -> None:
        """Raises AssertionError where the answer is not as described. Addresses and methods that are not described are left out."""
        operation = self.operation(method, path)
        if operation is None:
            return
        said = f"{method} {path} {status} {media_type}"
        assert str(status) in operation["responses"], f"{said}: no such status"
        content = operation["responses"][str(status)].get("content", {})
        if not content:
            assert not body, f"{said}: has a body"
            return
        assert media_type in content, f"{said}: not among {list(content)}"
        if media_type.endswith("json"):
            schema = {**content[media_type]["schema"], "components": self.document["components"]}
            errors = [f"{error.instance_path}: {error.message}" for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(body)]
            assert not errors, f"{said}: {errors}"
