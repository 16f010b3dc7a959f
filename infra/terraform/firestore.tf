resource "google_firestore_database" "state" {
  name                    = "(default)" # the one with a free tier
  location_id             = local.declared.region
  type                    = "FIRESTORE_NATIVE"
  delete_protection_state = var.protected ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy         = "ABANDON"
  depends_on              = [google_project_service.used]

  lifecycle {
    prevent_destroy = true
  }
}

# Documents expire by these fields and no others.
resource "google_firestore_field" "ttl" {
  for_each   = local.data_map.ttl
  database   = google_firestore_database.state.name
  collection = each.key
  field      = each.value
  ttl_config {}
}

# Queries over all collections of a name; Firestore makes no such index by itself.
resource "google_firestore_field" "across" {
  for_each   = local.data_map.group_indexes
  database   = google_firestore_database.state.name
  collection = each.key
  field      = each.value
  index_config {
    indexes {
      query_scope = "COLLECTION_GROUP"
      order       = "ASCENDING"
    }
  }
}

resource "google_firestore_backup_schedule" "daily" {
  database  = google_firestore_database.state.name
  retention = "604800s"
  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  database  = google_firestore_database.state.name
  retention = "8467200s" # 14 weeks, the longest that there is
  weekly_recurrence {
    day = "SUNDAY"
  }
}

# A role for Firestore is granted on a project; the condition holds it to the one database.
resource "google_project_iam_member" "keeps_state" {
  for_each = local.functions
  project  = var.project
  role     = "roles/datastore.user"
  member   = local.members[each.key]
  condition {
    title      = "the one database"
    expression = "resource.name == \"projects/${var.project}/databases/${google_firestore_database.state.name}\""
  }
}
