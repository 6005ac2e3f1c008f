"""Where the commands begin.

Nothing is thrown away while modules come in, so looking for garbage then is in vain, a tenth of the start; and what they leave behind
stays to the end, so later collections need not look at it again.
"""

import gc
from importlib import import_module


def policy_label() -> int:
    """Run `policy-label`; returns its exit code."""
    return _run("service.label_command")


def policy_serve() -> int:
    """Run `policy-serve`; returns its exit code."""
    return _run("service.serve_command")


def _run(command: str) -> int:
    gc.disable()
    module = import_module(command)
    gc.freeze()
    gc.enable()
    code: int = module.main()
    return code
