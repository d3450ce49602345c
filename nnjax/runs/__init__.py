"""One run and one sweep, from a configuration to a folder: the only room that joins the others."""
