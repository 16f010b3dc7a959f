"""What is secret is sealed here, with a key of Secret Manager, bound to its record and field."""
