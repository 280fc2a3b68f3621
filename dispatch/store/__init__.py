"""Tables, the UTC column type, the engine and its migrations."""
