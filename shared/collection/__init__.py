"""Collection: what is due, what YouTube lists, what has become rows, and what is still missing."""
