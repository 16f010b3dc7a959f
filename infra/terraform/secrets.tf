# Secrets are made empty, so that no value lies in a state file; people fill them (../deployment.yaml says how).
resource "google_secret_manager_secret" "this" {
  for_each            = local.declared.secrets
  secret_id           = each.key
  deletion_protection = var.protected
  replication {
    auto {}
  }

  dynamic "topics" {
    for_each = try([each.value.rotation.topic], [])
    content {
      name = google_pubsub_topic.this[topics.value].id
    }
  }

  dynamic "rotation" {
    for_each = try([each.value.rotation.days], [])
    content {
      rotation_period    = "${rotation.value * 86400}s"
      next_rotation_time = timeadd(plantimestamp(), "${rotation.value * 24}h")
    }
  }

  lifecycle {
    ignore_changes = [rotation[0].next_rotation_time] # Secret Manager moves it on
  }
  depends_on = [google_project_service.used, google_pubsub_topic_iam_member.tells_of_rotation]
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each  = local.grants.secrets
  secret_id = google_secret_manager_secret.this[each.value.on].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.members[each.value.function]
}

resource "google_secret_manager_secret_iam_member" "rotates" {
  for_each  = local.grants.rotates
  secret_id = google_secret_manager_secret.this[each.value.on].secret_id
  role      = "roles/secretmanager.secretVersionManager"
  member    = local.members[each.value.function]
}

resource "google_pubsub_topic_iam_member" "tells_of_rotation" {
  for_each = toset([for each in values(local.declared.secrets) : each.rotation.topic if can(each.rotation)])
  topic    = google_pubsub_topic.this[each.key].name
  role     = "roles/pubsub.publisher"
  member   = local.agents["secretmanager"]
}
