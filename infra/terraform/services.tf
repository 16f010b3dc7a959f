# The APIs that are used. None is switched off when it leaves this list: others may use it.
resource "google_project_service" "used" {
  for_each = toset(concat([
    "artifactregistry", "bigquery", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler",
    "cloudtasks", "firestore", "iam", "logging", "monitoring", "pubsub", "run", "secretmanager", "storage", "youtube",
    "youtubeanalytics", "youtubereporting",
    ], var.front == "none" ? [] : ["iap"], var.front == "load-balancer" ? ["compute"] : [],
  var.billing_account == "" ? [] : ["billingbudgets"]))
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
