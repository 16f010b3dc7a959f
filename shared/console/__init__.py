"""What people look at: the network at a glance, as a page and as JSON, from the same numbers."""
