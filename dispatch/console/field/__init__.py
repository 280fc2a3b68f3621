"""Teams in the field: who they are, where they are, what they are sent to do, and what they bring back."""
