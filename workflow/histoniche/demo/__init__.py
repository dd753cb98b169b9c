"""The embedded demo cohort with planted truth."""
