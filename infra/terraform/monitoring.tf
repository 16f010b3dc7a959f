# The watch decides what is wrong (shared/watch); here its alarms reach people, and its own silence is noticed.
resource "google_monitoring_notification_channel" "email" {
  for_each     = var.alert_emails
  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }
  depends_on   = [google_project_service.used]
}

# What the log counts. The watch's alarms, and the calls to YouTube under the names of the owner's guide: for charts, and
# for whoever wants conditions of his own. The watch decides by the ledger and the call log, so an alarm is told once.
locals {
  calls = "resource.type=\"cloud_run_revision\" AND jsonPayload.message=\"youtube call\""
  # name => which records, their labels, and the value of which a distribution is kept; without one they are counted.
  log_metrics = {
    youtube-alarms = {
      filter      = "resource.type=\"cloud_run_revision\" AND jsonPayload.message=\"alert firing\""
      description = "Alarms that have begun, by what is wrong."
      labels      = { alert = "jsonPayload.alert", severity = "severity" }
    }
    youtube_api_quota_used = {
      filter      = local.calls
      description = "Units that calls to YouTube cost."
      labels      = { bucket = "jsonPayload.bucket", feature = "jsonPayload.feature" }
      value       = "jsonPayload.quota_cost"
    }
    youtube_api_response_time_ms = {
      filter      = local.calls
      description = "Milliseconds that calls to YouTube took."
      labels      = { endpoint = "jsonPayload.endpoint" }
      value       = "jsonPayload.response_time_ms"
      unit        = "ms"
    }
    youtube_api_error_rate = {
      filter      = local.calls
      description = "Calls to YouTube: those whose status is error, by all, are the rate."
      labels      = { endpoint = "jsonPayload.endpoint", status = "jsonPayload.status" }
    }
    youtube_oauth_refresh_failures = {
      filter      = "resource.type=\"cloud_run_revision\" AND jsonPayload.notice=(\"reconnect\" OR \"troubled\")"
      description = "Connections that could not be renewed."
      labels      = { notice = "jsonPayload.notice" }
    }
  }
}

resource "google_logging_metric" "log" {
  for_each         = local.log_metrics
  name             = each.key
  description      = each.value.description
  filter           = each.value.filter
  value_extractor  = can(each.value.value) ? "EXTRACT(${each.value.value})" : null
  label_extractors = { for name, field in each.value.labels : name => "EXTRACT(${field})" }
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = can(each.value.value) ? "DISTRIBUTION" : "INT64"
    unit        = try(each.value.unit, "1")
    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }
  dynamic "bucket_options" {
    for_each = can(each.value.value) ? [1] : []
    content {
      exponential_buckets { # 1 to 32,768
        num_finite_buckets = 30
        growth_factor      = 1.4142135623730951
        scale              = 1
      }
    }
  }
  depends_on = [google_project_service.used]
}

locals {
  channels = [for each in google_monitoring_notification_channel.email : each.id]
  alarms   = jsondecode(file("${path.module}/alarms.json"))
  told     = "The watch has opened the alarm $${%s}. The console says since when, what it stops, and the one thing to do. Runbook: infra/docs/runbook.md, section $${%s}"
  # Of "each": the guide's alarms have policies of their own, all others one for each severity.
  guide  = { for name, each in local.alarms : name => each if can(local.log_metrics[name]) }
  raised = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.log["youtube-alarms"].name}\" AND resource.type=\"cloud_run_revision\""
  of_alarms = merge(
    { for name, each in local.guide : name => {
      filter   = "${local.raised} AND metric.labels.alert=\"${name}\""
      severity = each.severity
      says     = "${each.says}\n\nIt stops: ${each.stops}\n\nDone: ${each.done}\n\nTo do: ${each.todo}\n\n${each.code}\n\nRunbook: ${each.runbook}"
    } },
    { for severity in distinct(values(local.alarms)[*].severity) : lower(severity) => {
      filter   = join(" AND ", concat(["${local.raised} AND metric.labels.severity=\"${severity}\""], [for name in keys(local.guide) : "metric.labels.alert!=\"${name}\""]))
      severity = severity
      says     = format(local.told, "metric.label.alert", "metric.label.alert")
    } },
  )
  # name => what is counted, above what for how long it is wrong, and what to do.
  thresholds = merge({ for name, each in local.of_alarms : name => {
    filter   = each.filter
    aligner  = "ALIGN_SUM"
    above    = 0
    duration = "0s"
    severity = each.severity
    says     = each.says
    } }, {
    dead-letters = {
      filter   = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"ingest-dead\""
      aligner  = "ALIGN_MAX"
      above    = 0
      duration = "0s"
      severity = "ERROR"
      says     = "A message was given up after its deliveries. Read ingest's log; infra/docs/runbook.md#deadletters says how to put it back."
    }
    waiting-messages = {
      filter   = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"ingest\""
      aligner  = "ALIGN_MAX"
      above    = 3600
      duration = "600s"
      severity = "WARNING"
      says     = "What is to become rows has waited for an hour. Read ingest's log."
    }
    failing-calls = {
      filter   = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND metric.labels.response_code_class=\"5xx\""
      aligner  = "ALIGN_SUM"
      above    = 50
      duration = "300s"
      severity = "ERROR"
      says     = "A function answers with errors, more than 50 in five minutes. Its log says why; infra/docs/deploying.md says how to go back."
    }
  })
}

# Of "few": the watch has decided, and the log says so; a policy for each severity passes it on, an incident an alarm.
resource "google_monitoring_alert_policy" "log" {
  for_each     = toset([for each in values(local.alarms) : each.severity if var.alert_policies == "few"])
  display_name = "YouTube: ${lower(each.key)}"
  combiner     = "OR"
  severity     = each.key
  conditions {
    display_name = "an alarm has begun"
    condition_matched_log {
      filter           = "${local.log_metrics.youtube-alarms.filter} AND severity=\"${each.key}\""
      label_extractors = { alert = "EXTRACT(jsonPayload.alert)" }
    }
  }
  alert_strategy {
    auto_close = "1800s"
    notification_rate_limit {
      period = "300s"
    }
  }
  documentation {
    content = format(local.told, "log.extracted_label.alert", "log.extracted_label.alert")
  }
  notification_channels = local.channels
  depends_on            = [google_project_service.used]
}

# Of "each": conditions of metrics.
resource "google_monitoring_alert_policy" "threshold" {
  for_each     = { for name, each in local.thresholds : name => each if var.alert_policies == "each" }
  display_name = "YouTube: ${each.key}"
  combiner     = "OR"
  severity     = each.value.severity
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
  severity     = "CRITICAL"
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
