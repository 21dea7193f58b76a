"""REST v1, thin over the same verbs as the admin. DRF is imported nowhere else."""
