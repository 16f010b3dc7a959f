"""Google's tokens: what a grant is, how it lives and dies, and access tokens that are always fresh.

google_oauth  Google's OAuth endpoints, and under which client Google knows us
health        what their answers mean, and what a refresh makes of a connection
grants        a grant as it is stored, and the deaths that Google announces
accounts      how many tokens each Google account has given, of which Google keeps a hundred
refresh       access tokens, refreshed by one process at a time and shared by its threads
"""
