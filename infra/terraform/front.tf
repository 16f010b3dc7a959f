# What people and YouTube's hub reach. It grants on the functions' services, so `front` stays "none" until they have
# been deployed once.
locals {
  balanced = { for name, each in local.functions : name => each if var.front == "load-balancer" && can(each.paths) }
  guarded  = { for name, each in local.functions : name => each if var.front != "none" && each.trigger == "http-iap" }
  # /console/{page} as a URL map writes it: /console/*
  patterns = { for name, each in local.functions : name => distinct([for path in try(each.paths, []) : replace(path, "/\\{.*$/", "*")]) }
  people   = { for pair in setproduct(keys(local.guarded), var.console_people) : "${pair[0]}/${pair[1]}" => { function = pair[0], member = pair[1] } }
}

# Identity-Aware Proxy calls what it guards with its own identity.
resource "google_cloud_run_v2_service_iam_member" "proxy" {
  for_each = local.guarded
  name     = local.services[each.key]
  location = local.declared.region
  role     = "roles/run.invoker"
  member   = local.agents["iap"]
}

resource "google_iap_web_cloud_run_service_iam_member" "people" {
  for_each               = { for key, each in local.people : key => each if var.front == "cloud-run" }
  location               = local.declared.region
  cloud_run_service_name = local.services[each.value.function]
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.value.member
}

resource "google_iap_web_backend_service_iam_member" "people" {
  for_each            = { for key, each in local.people : key => each if var.front == "load-balancer" }
  web_backend_service = google_compute_backend_service.function[each.value.function].name
  role                = "roles/iap.httpsResourceAccessor"
  member              = each.value.member
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each              = local.balanced
  name                  = local.services[each.key]
  region                = local.declared.region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = local.services[each.key]
  }
  depends_on = [google_project_service.used]
}

resource "google_compute_backend_service" "function" {
  for_each              = local.balanced
  name                  = local.services[each.key]
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.front[0].id
  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }
  iap {
    enabled = each.value.trigger == "http-iap"
  }
  log_config {
    enable      = true
    sample_rate = 0.1
  }
}

# One address may ask 300 times a minute; YouTube's hub, which comes from few addresses, as often as it likes.
resource "google_compute_security_policy" "front" {
  count = var.front == "load-balancer" ? 1 : 0
  name  = "youtube"
  rule {
    priority = 1000
    action   = "throttle"
    match {
      expr {
        expression = "!request.path.startsWith('/webhooks/')"
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = 300
        interval_sec = 60
      }
    }
  }
  rule {
    priority = 2147483647
    action   = "allow"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
  depends_on = [google_project_service.used]
}

resource "google_compute_url_map" "front" {
  count           = var.front == "load-balancer" ? 1 : 0
  name            = "youtube"
  default_service = google_compute_backend_service.function[keys(local.balanced)[0]].id
  default_route_action { # any address that no function has
    fault_injection_policy {
      abort {
        http_status = 404
        percentage  = 100
      }
    }
  }
  host_rule {
    hosts        = [var.domain]
    path_matcher = "functions"
  }
  path_matcher {
    name            = "functions"
    default_service = google_compute_backend_service.function[keys(local.balanced)[0]].id
    default_route_action {
      fault_injection_policy {
        abort {
          http_status = 404
          percentage  = 100
        }
      }
    }
    dynamic "path_rule" {
      for_each = local.balanced
      content {
        paths   = local.patterns[path_rule.key]
        service = google_compute_backend_service.function[path_rule.key].id
      }
    }
  }
}

resource "google_compute_managed_ssl_certificate" "front" {
  count = var.front == "load-balancer" ? 1 : 0
  name  = "youtube"
  managed {
    domains = [var.domain]
  }
  depends_on = [google_project_service.used]
}

resource "google_compute_ssl_policy" "front" {
  count           = var.front == "load-balancer" ? 1 : 0
  name            = "youtube"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.used]
}

resource "google_compute_target_https_proxy" "front" {
  count            = var.front == "load-balancer" ? 1 : 0
  name             = "youtube"
  url_map          = google_compute_url_map.front[0].id
  ssl_certificates = [google_compute_managed_ssl_certificate.front[0].id]
  ssl_policy       = google_compute_ssl_policy.front[0].id
}

resource "google_compute_global_address" "front" {
  count      = var.front == "load-balancer" ? 1 : 0
  name       = "youtube"
  depends_on = [google_project_service.used]
}

resource "google_compute_global_forwarding_rule" "front" {
  count                 = var.front == "load-balancer" ? 1 : 0
  name                  = "youtube"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  target                = google_compute_target_https_proxy.front[0].id
  ip_address            = google_compute_global_address.front[0].id
  port_range            = "443"
}
