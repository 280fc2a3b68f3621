"""What can be booked, on which terms, and when: sites, rooms, equipment, custody slots, people, hours, closures, the calendar."""
