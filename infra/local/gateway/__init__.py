"""Stands where Google's front end stands: load balancer, IAM, IAP, and the identity on Pub/Sub's pushes.

    /auth/..., /webhooks/...   the load balancer's public addresses, as declared
    /console                   a person's page: Identity-Aware Proxy has signed who it is
    /iap/verify/public_key-jwk the keys that verify what it signed, which Google publishes elsewhere
    /functions/<name>          a private function's own URL: IAM asks for an allowed service account's token
    /push/<subscription>       where the Pub/Sub emulator delivers; it sends no identity, so one is put on here

`routes` and `headers` decide; `app` reads, asks and forwards. Nothing here is deployed.
"""
