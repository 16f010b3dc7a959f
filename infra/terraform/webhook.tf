# The webhook's requests, over two windows; the one alarm that only Cloud Run's own metrics can decide. Its figures are
# of shared/watch/alarms.toml, whose table the console and the runbook have too.
resource "google_monitoring_alert_policy" "webhook" {
  display_name = "YouTube: the webhook"
  combiner     = "OR"
  severity     = local.alarms.webhookRequests.severity
  conditions {
    display_name = "requests fail or are slow"
    condition_prometheus_query_language {
      query = templatefile("${path.module}/webhook.promql", {
        of      = "monitored_resource=\"cloud_run_revision\",service_name=\"${local.services["webhook"]}\""
        share   = local.alarms.webhookRequests.share
        slow    = local.alarms.webhookRequests.threshold
        hour    = local.alarms.webhookRequests.least[0]
        minutes = local.alarms.webhookRequests.least[1]
      })
      duration            = "0s"
      evaluation_interval = "60s"
    }
  }
  documentation {
    content = join("\n\n", [for name in ["says", "stops", "done", "todo", "code", "runbook"] : local.alarms.webhookRequests[name]])
  }
  notification_channels = local.channels
  depends_on            = [google_project_service.used]
}
