"""Who may spend what of YouTube's quotas, and when: profiles, the ledger, blocks of calls, quotes.

The guide's QuotaManager (1.3), and where each of its parts is:

    OPERATION_COSTS, DAILY_QUOTA, RESERVED_QUOTA    the profile "guide" in `profiles/`; "current" is YouTube today
    check_quota_availability                        `Ledger.reserve`, which sets units aside, and `Ledger.quote`
    redistribute_quota, borrow_quota                `protocol.borrowing`, by the rules in `decisions`
    get_inactive_user_quota                         the pool (`accounts`) and the accounts that hold most
    get_today_usage                                 `Ledger.usage`
    get_quota_efficient_strategy                    a bucket's mode in `Ledger.usage`, and priority "background"

A reservation goes through `ledger`, `days` and `protocol` (which asks `decisions`) to `shared.cloud.firestore`.
"""
