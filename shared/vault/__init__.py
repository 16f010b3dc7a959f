"""Seals what is secret with a key of Secret Manager, bound to its record and field; rotation seals it anew."""
