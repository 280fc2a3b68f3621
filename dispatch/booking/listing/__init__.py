"""The week's list: what waits for a time, placed all at once by a solver in a process of its own."""
