"""Jobs of companies and the applications of candidates."""
