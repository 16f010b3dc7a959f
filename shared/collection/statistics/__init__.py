"""Counts of videos, read every five minutes: of which first, what is kept of them, and the reading itself."""
