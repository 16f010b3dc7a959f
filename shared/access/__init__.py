"""Who connected which channel: from a click to a connection, and to its end.

features, return_to        what may be asked, and where a browser may be sent back to
authentication, pace       who has signed in to the app, and how often one user may set out
consent, learn, connect    from a click to a connection
upkeep                     what the scheduler does: no grant unrefreshed, no disconnect left half-done
disconnect, receipts       revoke, delete, prove it
"""
