"""What is due: decided from a snapshot of stored facts (pure), applied once, waited for."""
