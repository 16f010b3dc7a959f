# What stands around the functions. All that has a name, a rate or a time comes from ../deployment.yaml and
# data_map.json (printed from shared/data_map.py); what differs between environments from environments/NAME.tfvars.
# The functions themselves are deployed by `python -m infra.deploy`: infra/decisions/terraform.md.
terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
  }
  backend "gcs" { # terraform init -backend-config=bucket=...
    prefix = "youtube"
  }
}

provider "google" {
  project               = var.project
  region                = local.declared.region
  billing_project       = var.project
  user_project_override = true # budgets are asked for on a project's account
}

data "google_project" "this" {
  project_id = var.project
}
