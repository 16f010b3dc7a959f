# The dataset and who may touch it. Tables and views are made by `python -m infra.warehouse`, whose statements the
# functions and GoogleSQL's analyser share; a deployment runs it first.
resource "google_bigquery_dataset" "warehouse" {
  dataset_id                 = var.dataset
  location                   = local.declared.warehouse_location
  description                = "Every number that YouTube gives about the network's channels."
  delete_contents_on_destroy = false
  storage_billing_model      = "PHYSICAL" # rows are several times smaller as they are stored
  max_time_travel_hours      = 48         # what was deleted within it is billed as well
  depends_on                 = [google_project_service.used]

  lifecycle {
    prevent_destroy = true
  }
}

locals {
  warehouse_roles = { read = "roles/bigquery.dataViewer", write = "roles/bigquery.dataEditor" }
  queriers = merge(
    { for name, each in local.functions : name => local.members[name] if can(each.warehouse) },
    { for each in var.analysts : each => each },
  )
}

resource "google_bigquery_dataset_iam_member" "warehouse" {
  for_each   = { for name, each in local.functions : name => each.warehouse if can(each.warehouse) }
  dataset_id = google_bigquery_dataset.warehouse.dataset_id
  role       = local.warehouse_roles[each.value]
  member     = local.members[each.key]
}

resource "google_bigquery_dataset_iam_member" "analysts" {
  for_each   = var.analysts
  dataset_id = google_bigquery_dataset.warehouse.dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.key
}

# To run a query at all is a permission of the project; the role reads no data.
resource "google_project_iam_member" "queries" {
  for_each = local.queriers
  project  = var.project
  role     = "roles/bigquery.jobUser"
  member   = each.value
}
