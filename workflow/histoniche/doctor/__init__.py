"""The doctor: tells whether machine, cluster and cohort are ready for a run."""
