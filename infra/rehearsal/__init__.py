"""A deployment rehearsed: the real gcloud against a loopback stand-in for Google Cloud.

cloud          what exists in the project, and the way of each request
functions, services, secrets, surroundings, warehouse
               what the methods of Cloud Functions, Cloud Run, Secret Manager, BigQuery and the rest do
server         the stand-in over HTTP, and the environment that sends gcloud there
tree           a copy of the tree that is deployed from, and the commands that are run
story          from nothing with a death on the way, again, after a change, back; the secrets filled
__main__       `make rehearse`
"""
