"""Who may spend what of YouTube's quotas, and when: profiles, the ledger, leases."""
