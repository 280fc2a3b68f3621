"""Finding a time: everybody's time as bits, the search, and its reasons."""
