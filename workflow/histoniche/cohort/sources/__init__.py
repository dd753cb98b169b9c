"""Public sources of cohorts: what they hold, and how it is fetched and turned into sheets."""
