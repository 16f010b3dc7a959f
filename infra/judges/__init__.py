"""Judges from outside: what Google or the field made says yes or no to what this project would send to Google."""
