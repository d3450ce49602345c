"""Files, signals, processes and times: nothing here knows of networks or runs."""
