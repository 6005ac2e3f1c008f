"""What a labeller is: text in, themes out. No HTTP, no command line, no fitting."""
