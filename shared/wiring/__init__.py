"""The composition root: real clients, real settings, one getter for each service, a module for each room.

A getter builds its service on first use, in the worker that asks (gRPC channels do not survive gunicorn's fork),
and keeps it. Rooms take what they need as constructor arguments and build nothing themselves; functions' main.py
and the tests that stand where a function stands get it from here. A getter imports inside itself what only its own
callers need, because a cold start pays for every import, and a function's archive holds what its imports reach:
so there is one module for each room, not one for all.
"""
