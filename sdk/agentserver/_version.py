"""The version, written once: the package, its wheel and its User-Agent take it from here."""

__version__ = "0.1.0"
