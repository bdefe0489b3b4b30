"""What happened to interviews: one row a move, written with it."""
