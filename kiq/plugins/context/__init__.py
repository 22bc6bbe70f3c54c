"""Context: what the pushing side carries along with a job: variables, the locale, the trace."""

from __future__ import annotations

from .carrying import carry, carry_locale, carry_trace

__all__ = ["carry", "carry_locale", "carry_trace"]
