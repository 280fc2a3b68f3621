"""Capture to disk, gap ledger, manifest, verification and composite."""
