"""How a labeller is used: from the command line and over HTTP."""
