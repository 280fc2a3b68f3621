"""The embedded engine: forwards encoded packets, never decodes."""
