"""Cases, sittings and participants, and the glue between bookings and the live plane."""
