"""Sealed recordings at rest: encrypted objects in a store, keys of sittings, and one way to read, wherever a recording lies."""
