"""Cloud Tasks and Secret Manager on this machine: one process, gRPC, spoken to by Google's unmodified clients.

    refusal   how a call is refused
    names     resource names, as strict as the services are
    retry     when a failed task is tried again, and when no more
    bucket    how fast a queue dispatches
    taskqueue one queue: a state machine over the time it is told, without a thread, a socket or a clock
    journal   what became of tasks, for people and tests to read
    wording   protocol messages to what the queue knows, and back
    tasks     google.cloud.tasks.v2
    dispatch  sends what the queues say is due, to this machine only
    exchange  one HTTP request and its answer
    vault     secrets and their versions
    secrets   google.cloud.secretmanager.v1
    moments   instants and durations as messages
    pages     paging of lists
    wire      gRPC without generated servicers
    control   the small HTTP endpoint: look, pause, resume, purge, wait until idle
    declared  the queues and secrets that infra/deployment.yaml declares
    part      the process as a part of the stack

State is in memory and ends with the process.
"""
