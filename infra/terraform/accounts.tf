# One account a function, and the identities that call functions. Which of them may call which function is set when
# it is deployed (infra/deploy.py), because that is a grant on the function's service.
resource "google_service_account" "function" {
  for_each     = local.functions
  account_id   = "run-${local.services[each.key]}"
  display_name = "The function ${each.key}"
  depends_on   = [google_project_service.used]
}

resource "google_service_account" "caller" {
  for_each     = local.declared.service_accounts
  account_id   = each.key
  display_name = each.value
  depends_on   = [google_project_service.used]
}

# A task carries the identity of task-queues, so who queues one must be allowed to act as it.
resource "google_service_account_iam_member" "queues_tasks" {
  for_each           = { for name, each in local.functions : name => each if length(try(each.enqueues, [])) > 0 }
  service_account_id = google_service_account.caller["task-queues"].name
  role               = "roles/iam.serviceAccountUser"
  member             = local.members[each.key]
}

# Pub/Sub signs its pushes as pubsub-push.
resource "google_service_account_iam_member" "signs_pushes" {
  service_account_id = google_service_account.caller["pubsub-push"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agents["pubsub"]
}
