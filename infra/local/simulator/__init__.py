"""The simulator: a stand-in for Google's OAuth, YouTube's three APIs, resumable uploads and the WebSub hub."""
