"""Google's tokens: what a grant is, how it lives and dies, and access tokens that are always fresh.

google_oauth, answers  Google's OAuth endpoints, what their answers mean, and under which client Google knows us
grants, health         a grant as it is stored, what a refresh makes of its state, the deaths Google announces
accounts               how many tokens each Google account has given, of which Google keeps a hundred
refresh                access tokens, refreshed by one process at a time and shared by its threads
"""
