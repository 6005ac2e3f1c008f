"""Builds the native core where a C++ compiler is; where none is, installation goes on and the plain path labels."""

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

_HEADERS = ("compiled_model", "paragraph", "normalise", "segment", "features", "judge", "batch")
# No fused multiply-add: the core must round as the plain path does.
_FLAGS = {"msvc": ["/std:c++17", "/O2", "/fp:precise"]}
_FLAGS_ELSEWHERE = ["-std=c++17", "-O3", "-ffp-contract=off", "-fvisibility=hidden", "-pthread"]


class BuildCore(build_ext):
    """Gives each compiler the options it understands."""

    def build_extensions(self) -> None:
        """Build with the options of the compiler that was found."""
        for extension in self.extensions:
            extension.extra_compile_args = _FLAGS.get(self.compiler.compiler_type, _FLAGS_ELSEWHERE)
        super().build_extensions()


setup(
    cmdclass={"build_ext": BuildCore},
    ext_modules=[
        Extension(
            "model._core",
            sources=["model/core/binding.cpp"],
            depends=[f"model/core/{name}.hpp" for name in _HEADERS],
            language="c++",
            optional=True,
        )
    ],
)
