"""Companies, jobs and applications."""
