"""The only room that talks to YouTube.

transport   one pool of connections, shared by threads
services    Google's own client, from the discovery documents that ship with it
client      a call and everything that surrounds it: quota, rate, token, classification, call log
data, analytics, reporting, uploads     what may be asked, typed; items: where in an answer each field stands
faults, policy                          what an answer means, and what happens next
"""
