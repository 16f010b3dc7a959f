"""How often calls may go: limits that hold in every window of time, kept as a log of admitted calls."""
