"""Where patients come from: the study, or a cohort that was brought along for a test."""

STUDY, EXTERNAL = "study", "external"
