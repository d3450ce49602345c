"""The verbs of `nnjax VERB`. Each is a module with HELP, arguments(parser) and run(arguments)."""
