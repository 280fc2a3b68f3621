"""Keeping recordings by machine: putting them away, looking at them again, the keys, and how long the space will last."""
