# Cloud Tasks is the one place that repeats; Cloud Scheduler calls once.
resource "google_cloud_tasks_queue" "this" {
  for_each = local.declared.queues
  name     = each.key
  location = local.declared.region

  rate_limits {
    max_dispatches_per_second = each.value.max_dispatches_per_second
    max_concurrent_dispatches = each.value.max_concurrent_dispatches
  }

  retry_config {
    max_attempts  = each.value.max_attempts
    min_backoff   = "${each.value.min_backoff}s"
    max_backoff   = "${each.value.max_backoff}s"
    max_doublings = each.value.max_doublings
  }
  depends_on = [google_project_service.used]
}

resource "google_cloud_tasks_queue_iam_member" "enqueues" {
  for_each = local.grants.enqueues
  name     = google_cloud_tasks_queue.this[each.value.on].name
  location = local.declared.region
  role     = "roles/cloudtasks.enqueuer"
  member   = local.members[each.value.function]
}

resource "google_cloud_scheduler_job" "this" {
  for_each         = local.declared.schedules
  name             = each.key
  region           = local.declared.region
  schedule         = each.value.cron
  time_zone        = each.value.zone
  attempt_deadline = "${each.value.attempt_deadline}s"

  retry_config {
    retry_count = 0
  }

  http_target {
    uri         = local.urls[each.value.function]
    http_method = "POST"
    body        = base64encode(jsonencode(each.value.body))
    headers     = { "Content-Type" = "application/json" }
    oidc_token {
      service_account_email = google_service_account.caller["scheduler"].email
      audience              = local.urls[each.value.function]
    }
  }
  depends_on = [google_project_service.used]
}
