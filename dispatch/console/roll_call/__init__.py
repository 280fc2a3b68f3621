"""Roll-call of the centre: sites and teams are called in order, and who answers is written down."""
