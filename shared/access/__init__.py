"""Who connected which channel: from a click to a connection, and to its end.

features, return_to        what may be asked, and where a browser may be sent back to
front, pace                what the app's requests show, and how often they may come
consent, learn, connect    from a click to a connection
upkeep                     what the scheduler does: no grant unrefreshed, no disconnect left half-done
disconnect, receipts       revoke, delete, prove it
"""
