"""The load generator of bench/media.py, and the engines it is pointed at."""
