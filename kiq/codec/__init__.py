"""Payloads to bytes and back: MessagePack and JSON, told apart by the first byte."""

from __future__ import annotations

from .coding import decode, encode
from .stencil import STENCILS, Stencil
from .types import Codec

__all__ = ["STENCILS", "Codec", "Stencil", "decode", "encode"]
