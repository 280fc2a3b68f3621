"""Officers on shift: who looks after which sitting, hand-over, and the shift log."""
