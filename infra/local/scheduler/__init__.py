"""Stands where Cloud Scheduler stands: the declared schedules, fired at the stack's clock.

    GET  /schedules                 every schedule with its next run and its last result
    POST /schedules/<name>/run      now; answers with the result
    POST /schedules/<name>/pause    no run until resumed; `run` still works
    POST /schedules/<name>/resume

`book` decides what is due; `app` fires it over HTTP with the scheduler's identity, through the gateway.
"""
