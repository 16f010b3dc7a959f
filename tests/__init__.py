"""A package, so that a `tests` that some library installs does not stand before it in a new process."""
