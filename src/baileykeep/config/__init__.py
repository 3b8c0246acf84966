"""Configuration: what the files say, checked, resolved, compared and found out."""

from baileykeep.config.load import load, load_partial
from baileykeep.config.problems import BadConfig, Problem, errors
from baileykeep.config.settings import CompanySettings, Settings
from baileykeep.config.window import Window

__all__ = ["BadConfig", "CompanySettings", "Problem", "Settings", "Window", "errors", "load", "load_partial"]
