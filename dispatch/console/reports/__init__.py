"""What the command centre reports of a day, a week, a month or any span of days."""
