"""Writing to YouTube, each thing exactly once: uploads, thumbnails, updates, playlists, releases that chain them.

requests, media, merge      what may be asked, what a file is, how an update keeps every other field
plan, operation             the steps, their price; the few states and how they follow each other
records                     operations in Firestore, changed only by compare-and-set
sources, address            where bytes come from, and addresses that no source may have
transfer, steps, adopt      the doing: the upload, the other steps, what exists already is taken over
effects                     what a fault means for the connection, the video or the project
run, submit                 one turn of one operation; accept, quote, read, cancel, retry
"""
