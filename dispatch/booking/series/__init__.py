"""Sittings that repeat: rules of RFC 5545, and what is done to one, to one and later ones, or to all."""
