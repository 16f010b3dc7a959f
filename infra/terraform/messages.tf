resource "google_pubsub_topic" "this" {
  for_each   = local.declared.topics
  name       = each.key
  depends_on = [google_project_service.used]
}

# Pushed with an identity to a function, or kept for a person to pull. The defaults are those of infra/deployment.py.
resource "google_pubsub_subscription" "this" {
  for_each                   = local.declared.subscriptions
  name                       = each.key
  topic                      = google_pubsub_topic.this[each.value.topic].id
  ack_deadline_seconds       = try(each.value.ack_deadline, 60)
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = "" # never
  }

  retry_policy {
    minimum_backoff = "${try(each.value.min_backoff, 10)}s"
    maximum_backoff = "${try(each.value.max_backoff, 600)}s"
  }

  dynamic "push_config" {
    for_each = try([each.value.function], [])
    content {
      push_endpoint = local.urls[push_config.value]
      oidc_token {
        service_account_email = google_service_account.caller["pubsub-push"].email
        audience              = local.urls[push_config.value]
      }
    }
  }

  dynamic "dead_letter_policy" {
    for_each = try([each.value.dead_letter_topic], [])
    content {
      dead_letter_topic     = google_pubsub_topic.this[dead_letter_policy.value].id
      max_delivery_attempts = try(each.value.max_delivery_attempts, 5)
    }
  }
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = local.grants.publishes
  topic    = google_pubsub_topic.this[each.value.on].name
  role     = "roles/pubsub.publisher"
  member   = local.members[each.value.function]
}

resource "google_pubsub_subscription_iam_member" "fetches" {
  for_each     = local.grants.fetches
  subscription = google_pubsub_subscription.this[each.value.on].name
  role         = "roles/pubsub.subscriber"
  member       = local.members[each.value.function]
}

# Pub/Sub itself sets messages aside: it publishes to the dead-letter topic and acknowledges what it has moved.
resource "google_pubsub_topic_iam_member" "sets_aside" {
  for_each = toset([for each in values(local.declared.subscriptions) : each.dead_letter_topic if can(each.dead_letter_topic)])
  topic    = google_pubsub_topic.this[each.key].name
  role     = "roles/pubsub.publisher"
  member   = local.agents["pubsub"]
}

resource "google_pubsub_subscription_iam_member" "moves" {
  for_each     = { for name, each in local.declared.subscriptions : name => each if can(each.dead_letter_topic) }
  subscription = google_pubsub_subscription.this[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.agents["pubsub"]
}
