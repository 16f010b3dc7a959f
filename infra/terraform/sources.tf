# Files to publish are read from these buckets by the functions that say `sources: true`.
resource "google_storage_bucket_iam_member" "reads_sources" {
  for_each = { for pair in setproduct([for name, each in local.functions : name if try(each.sources, false)], var.source_buckets) :
  "${pair[0]}/${pair[1]}" => { function = pair[0], bucket = pair[1] } }
  bucket = each.value.bucket
  role   = "roles/storage.objectViewer"
  member = local.members[each.value.function]
}
