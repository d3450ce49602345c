"""From the command line to plain, checked records."""
