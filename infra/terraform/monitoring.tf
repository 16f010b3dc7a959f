# The watch decides what is wrong (shared/watch); here its alarms reach people, and its own silence is noticed.
resource "google_monitoring_notification_channel" "email" {
  for_each     = var.alert_emails
  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }
  depends_on   = [google_project_service.used]
}

resource "google_logging_metric" "alarms" {
  name        = "youtube-alarms"
  description = "Alarms that have begun, by what is wrong."
  filter      = "resource.type=\"cloud_run_revision\" AND jsonPayload.message=\"alert firing\""
  label_extractors = {
    alert = "EXTRACT(jsonPayload.alert)"
  }
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    labels {
      key        = "alert"
      value_type = "STRING"
    }
  }
  depends_on = [google_project_service.used]
}

locals {
  channels = [for each in google_monitoring_notification_channel.email : each.id]
  # name => what is counted, above what for how long it is wrong, and what to do.
  thresholds = {
    alarms = {
      filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.alarms.name}\" AND resource.type=\"cloud_run_revision\""
      aligner  = "ALIGN_SUM"
      above    = 0
      duration = "0s"
      says     = "The watch has opened an alarm. The console says what is wrong and the one thing to do."
    }
    dead-letters = {
      filter   = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"ingest-dead\""
      aligner  = "ALIGN_MAX"
      above    = 0
      duration = "0s"
      says     = "A message was given up after its deliveries. Read ingest's log; infra/docs/watching.md says how to put it back."
    }
    waiting-messages = {
      filter   = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"ingest\""
      aligner  = "ALIGN_MAX"
      above    = 3600
      duration = "600s"
      says     = "What is to become rows has waited for an hour. Read ingest's log."
    }
    failing-calls = {
      filter   = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND metric.labels.response_code_class=\"5xx\""
      aligner  = "ALIGN_SUM"
      above    = 50
      duration = "300s"
      says     = "A function answers with errors, more than 50 in five minutes. Its log says why; infra/docs/deploying.md says how to go back."
    }
  }
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each     = local.thresholds
  display_name = "YouTube: ${each.key}"
  combiner     = "OR"
  conditions {
    display_name = each.key
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = each.value.duration
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = each.value.aligner
      }
    }
  }
  documentation {
    content = each.value.says
  }
  notification_channels = local.channels
}

# The heartbeat: the watch is called every five minutes; three times without an answer, something is down.
resource "google_monitoring_alert_policy" "heartbeat" {
  display_name = "YouTube: the watch is silent"
  combiner     = "OR"
  conditions {
    display_name = "no successful call of the watch"
    condition_absent {
      filter   = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${local.services["watch"]}\" AND metric.labels.response_code_class=\"2xx\""
      duration = "900s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    content = "The watch has not come to its end for 15 minutes: start it (gcloud scheduler jobs run watch) and read its log."
  }
  notification_channels = local.channels
  depends_on            = [google_project_service.used]
}

resource "google_billing_budget" "month" {
  count           = var.billing_account == "" ? 0 : 1
  billing_account = var.billing_account
  display_name    = "YouTube, ${var.project}"
  budget_filter {
    projects = ["projects/${local.number}"]
  }
  amount {
    specified_amount {
      units = tostring(var.monthly_budget)
    }
  }
  dynamic "threshold_rules" {
    for_each = [0.5, 1, 2]
    content {
      threshold_percent = threshold_rules.value
    }
  }
  all_updates_rule {
    monitoring_notification_channels = slice(sort(local.channels), 0, min(5, length(local.channels))) # five at most
  }
  depends_on = [google_project_service.used]
}
