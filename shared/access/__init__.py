"""Who connected which channel: from a click to a connection, and to its end.

requests, features            what may be asked, and where a browser may be sent back to
consent, connect              from a click to a connection
users                         which user has which channels
upkeep                        what the scheduler does: no grant unrefreshed, no disconnect left half-done
disconnect, revocation        delete, revoke; receipts: the proof
"""
