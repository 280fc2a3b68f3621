"""Live plane: conferences, media and recording. Knows no pages, no bookings and no SQL of the control plane."""
