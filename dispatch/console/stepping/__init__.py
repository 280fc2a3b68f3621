"""What officers do in a sitting: by rank, with a reason, told to those in the room, logged and audited."""
