"""What YouTube's API auditors ask for, in one folder: `python -m infra.audit --out FOLDER`.

    --stack         of the local stack that runs here, with a picture of every page of its console
    --project P     of a deployment: its receipts. Pictures are a stack's, whose data is nobody's.

`policies.toml` says which policy is kept where; everything else is read from the code, and the receipts from
Firestore. The folder has index.html, the same as index.md, and the pictures.
"""
