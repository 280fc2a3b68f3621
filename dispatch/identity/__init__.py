"""People, their sign-in, their links and their devices."""
