"""Writes to YouTube, each thing exactly once: uploads, thumbnails, updates, playlists, releases that chain them.

api, submissions        the app's backend submits, prices, plans, reads, cancels and retries operations
requests                what may be asked for
tasks                   queues attempts, requeues lost ones, tells the app that an operation has ended
run, attempt            runs one attempt at an operation; what it may use, and how it makes once what YouTube would
                        make twice
steps, transfer         what each step does; the upload
sources                 where bytes come from; how they are read, and within what time
address                 places that the operator allows, and addresses that no source may have
retries                 what an error means for the operation, and for the connection, the video or the project
operation               states, how they follow each other, how they are stored and changed by one at a time
plan, media             what is meant, steps, their calls; what a file is
"""
