"""How a labeller is made and judged."""
