"""How many schedules each strategy needs to find known bugs."""
