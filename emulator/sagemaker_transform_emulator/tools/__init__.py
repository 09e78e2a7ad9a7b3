"""Tools around a job: check, doctor, explain, tune, diff."""
