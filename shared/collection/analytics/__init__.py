"""The Analytics collector: what is asked about a channel, up to where it was answered, and how it is stored."""
