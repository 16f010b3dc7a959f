"""Who connected which channel, and the keys to it.

features, return_to        what may be asked, and where a browser may be sent back to
google_oauth               Google's OAuth endpoints, and what their answers mean
front, pace                what the app's requests show, and how often they may come
consent, learn, connect    from a click to a connection
grants, health, lifetimes  what is stored, what becomes of it, and the deaths that Google announces
accounts                   how many tokens each Google account has given, of which Google keeps a hundred
refresh, tokens            access tokens that are fresh, refreshed by one at a time
upkeep, rotation           what the scheduler does: no grant unrefreshed, no key version left behind
disconnect, receipts       revoke, delete, prove it
"""
