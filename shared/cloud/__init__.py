"""Google Cloud's real clients, built on first use.

functions-framework imports a function in gunicorn's master and forks afterwards; gRPC channels do not survive a
fork. So nothing here is built at import: each getter builds its client on first call, in the worker, and keeps it.
Imports of the client libraries are inside the getters too, because a function pays for what it imports.

Emulators are chosen by environment variables alone, each "host:port": FIRESTORE_EMULATOR_HOST (read by the client
itself), PUBSUB_, BIGQUERY_, CLOUD_TASKS_ and SECRET_MANAGER_EMULATOR_HOST.
"""
