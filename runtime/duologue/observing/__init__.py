"""What users are told: observers, logs, metrics and probes."""
