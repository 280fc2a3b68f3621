"""Verification of a sitting's folder, by code of its own: nothing here imports anything of what writes a recording.

What needs more than the standard library (signatures, time-stamps) says so where the library is not there, and the rest is
checked all the same.
"""
