"""The map of the command centre: coordinates, layers that are drawn on it, and what stands where."""
