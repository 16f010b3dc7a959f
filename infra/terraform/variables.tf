variable "project" {
  type        = string
  description = "Google Cloud project id."
  nullable    = false
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "alert_emails" {
  type        = set(string)
  description = "Who is told of alarms and of the budget. At least one address, or an alarm reaches nobody."
  nullable    = false
  validation {
    condition     = length(var.alert_emails) > 0 && alltrue([for each in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+$", each))])
    error_message = "At least one e-mail address, each of the form name@host."
  }
}

variable "alert_policies" {
  type        = string
  description = "few: one policy for each severity passes on the alarms that the watch writes into the log, another notices the watch's own silence. each: a policy for each of the guide's metrics, for dead letters, waiting messages and failing calls besides; Google bills each condition of a metric, from September 2027 at the earliest."
  default     = "few"
  nullable    = false
  validation {
    condition     = contains(["few", "each"], var.alert_policies)
    error_message = "One of few, each."
  }
}

variable "dataset" {
  type        = string
  description = "BigQuery dataset, as YT_DATASET has it."
  default     = "youtube"
  nullable    = false
  validation {
    condition     = can(regex("^[A-Za-z0-9_]+$", var.dataset))
    error_message = "A dataset's name has letters, digits and underscores."
  }
}

variable "analysts" {
  type        = set(string)
  description = "Who may query the warehouse: user:, group: or serviceAccount: and an address."
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for each in var.analysts : can(regex("^(user|group|serviceAccount):[^@ ]+@[^@ ]+$", each))])
    error_message = "Each is user:, group: or serviceAccount: and an address."
  }
}

variable "source_buckets" {
  type        = set(string)
  description = "Buckets that files to publish may come from, as YT_SOURCE_BUCKETS has them. They exist already."
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for each in var.source_buckets : can(regex("^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$", each))])
    error_message = "Each is a bucket's name, without gs://."
  }
}

variable "front" {
  type        = string
  description = "What people reach: none (until the functions have been deployed), cloud-run (no balancer: the app's own server forwards the addresses of the output `forward`, and Cloud Run's own Identity-Aware Proxy guards the console) or load-balancer (the addresses under `domain`, with Cloud Armor and Identity-Aware Proxy)."
  default     = "none"
  nullable    = false
  validation {
    condition     = contains(["none", "cloud-run", "load-balancer"], var.front)
    error_message = "One of none, cloud-run, load-balancer."
  }
}

variable "domain" {
  type        = string
  description = "The load balancer's host name; its DNS record points at the output `address`."
  default     = ""
  nullable    = false
  validation {
    condition     = (var.front == "load-balancer") == can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "A load balancer needs a host name, and nothing else does."
  }
}

variable "console_people" {
  type        = set(string)
  description = "Who may open the console: user:, group: or domain: and a name."
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for each in var.console_people : can(regex("^(user:|group:|domain:)[^ :]+$", each))])
    error_message = "Each is user:, group: or domain: and a name; never allUsers."
  }
}

variable "billing_account" {
  type        = string
  description = "Billing account of the budget, 000000-000000-000000; without it there is none."
  default     = ""
  nullable    = false
  validation {
    condition     = can(regex("^([0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6})?$", var.billing_account))
    error_message = "Three groups of six hexadecimal digits."
  }
}

variable "monthly_budget" {
  type        = number
  description = "Whole units of the billing account's currency a month; mail goes out at half, all and double of it."
  default     = 60
  nullable    = false
  validation {
    condition     = var.monthly_budget >= 1 && floor(var.monthly_budget) == var.monthly_budget
    error_message = "A whole number of at least 1."
  }
}

variable "protected" {
  type        = bool
  description = "Whether the database and the secrets are protected from deletion."
  default     = true
  nullable    = false
}
