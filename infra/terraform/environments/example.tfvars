# Copy to environments/production.tfvars, which cloudbuild.yaml reads. Everything else has a default: variables.tf.
project        = "example-project"
alert_emails   = ["operators@example.com"]
console_people = ["group:operators@example.com"]
# After the first deployment of the functions, one of:
# front  = "cloud-run"
# front  = "load-balancer"
# domain = "api.example.com"
