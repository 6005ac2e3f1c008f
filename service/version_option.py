"""The option `--version`: what is installed, and on which path it labels."""

import argparse

from model.labeller import active_path


class VersionOption(argparse.Action):
    """Prints the version and ends; it is looked up only when asked for, which costs as much as several labels."""

    def __init__(self, option_strings: list[str], dest: str) -> None:
        super().__init__(
            option_strings, dest, nargs=0, default=argparse.SUPPRESS, help="显示版本和所用的路径，然后退出"
        )

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print, and end the process."""
        from importlib.metadata import version  # noqa: PLC0415 (see above)

        print(f"policy-themes {version('policy-themes')} ({active_path()})")
        parser.exit()
