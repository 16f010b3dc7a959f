locals {
  declared  = yamldecode(file("${path.module}/../deployment.yaml"))
  data_map  = jsondecode(file("${path.module}/data_map.json"))
  functions = local.declared.functions
  number    = data.google_project.this.number

  # A function's Cloud Run service has its name without underscores, and its account that name behind "run-".
  services = { for name, _ in local.functions : name => replace(name, "_", "-") }
  urls     = { for name, _ in local.functions : name => "https://${local.declared.region}-${var.project}.cloudfunctions.net/${name}" }

  # Google's own identities, which act for us.
  agents = { for name in ["pubsub", "secretmanager", "iap"] : name =>
  "serviceAccount:service-${local.number}@gcp-sa-${name}.iam.gserviceaccount.com" }
  members = { for name, account in google_service_account.function : name => "serviceAccount:${account.email}" }

  # One grant on one resource: "function/resource" => {function, on}.
  grants = { for key in ["secrets", "rotates", "publishes", "fetches", "enqueues"] : key => {
    for pair in flatten([for name, each in local.functions : [for on in try(each[key], []) : { function = name, on = on }]]) :
    "${pair.function}/${pair.on}" => pair
  } }
}
