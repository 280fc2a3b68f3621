"""What the command centre sees."""
