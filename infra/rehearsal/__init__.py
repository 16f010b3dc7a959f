"""A deployment rehearsed: the real gcloud against a loopback stand-in for Google Cloud.

cloud       what exists in the project, and what becomes of each request
server      the stand-in over HTTP, and the environment that sends gcloud there
__main__    `make rehearse`: from nothing, again, after a change, after a death, back
"""
