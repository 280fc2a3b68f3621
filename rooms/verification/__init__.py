"""The parts of verification (:mod:`rooms.recording.verify`): none imports anything of what writes a recording.

What needs more than the standard library (signatures, time-stamps) says so where the library is not there, and the rest is
checked all the same.
"""
