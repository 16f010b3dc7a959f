"""Looks every few minutes at what nobody else would notice, and tells operators.

conditions     what is wrong for how long until it is an alarm: a table, and the pure decision
reading        what each condition is decided from, in a few bounded reads
dead_letters   the messages that were given up, written down as they arrive
watching       one run: read, decide, open and end alarms, tell; and the check that the watch itself is alive
"""
