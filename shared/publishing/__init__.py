"""Writes to YouTube, each thing exactly once: uploads, thumbnails, updates, playlists, releases that chain them.

api, submissions        the app's backend submits, prices, plans, reads, cancels and retries operations
requests, intents       what may be asked for
promised                what accepted operations will still spend
tasks                   queues attempts, requeues lost ones
callbacks               tells the app that an operation has ended
run, attempt            runs one attempt at an operation; what it may use
steps                   the steps by name: transfer (the upload), playlists, captions, following (YouTube's work)
once, find_existing     makes once what YouTube would make twice; finds what exists already
video, merge            the video that is changed; how an update keeps every other field
sources, web_file       where bytes come from; reading: how, and within what time
address, allowed        addresses that no source may have, and places that the operator allows
retries, effects        what an error means for the operation, and for the connection, the video or the project
listing                 operations by channel, state and time, page by page
records                 operations in Firestore, changed only where nobody else has written
operation, plan, media  states and how they follow each other; steps and their calls; what a file is
"""
