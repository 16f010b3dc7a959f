"""Push: YouTube tells us about new and changed videos through a WebSub hub, and we believe only what is signed.

Source: W3C WebSub; developers.google.com/youtube/v3/guides/push_notifications.
"""
