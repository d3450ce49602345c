"""The verbs of `nnjax VERB`: each a module with HELP, arguments(parser) and run(arguments)."""
