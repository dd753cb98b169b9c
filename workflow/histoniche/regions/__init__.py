"""Region maps, their areas and their exports."""
