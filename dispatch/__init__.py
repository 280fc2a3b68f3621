"""Control plane: who meets whom, when and where; what is due; what the centre sees."""
