output "address" {
  description = "Where the domain's DNS record points; nothing without a load balancer."
  value       = one(google_compute_global_address.front[*].address)
}

output "forward" {
  description = "Without a load balancer: the addresses that the app's own server forwards, and to where."
  value = merge([for name, each in local.functions :
    { for path in try(each.paths, []) : path => local.urls[name] } if each.trigger == "http-public" && var.front != "load-balancer"
  ]...)
}

output "iap_audience" {
  description = "What the setting YT_IAP_AUDIENCE is to be."
  value = merge(
    { for name, each in google_compute_backend_service.function : name =>
    "/projects/${local.number}/global/backendServices/${each.generated_id}" if contains(keys(local.guarded), name) },
    { for name, _ in local.guarded : name =>
    "/projects/${local.number}/locations/${local.declared.region}/services/${local.services[name]}" if var.front == "cloud-run" },
  )
}

output "fill_secrets" {
  description = "How each secret gets its first version."
  value       = { for name, each in local.declared.secrets : name => each.fill }
}
