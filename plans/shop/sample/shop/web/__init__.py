"""The pages of the shop. Every module in this folder adds its own by ``@route``."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from shop.web.routes import Request, Response, Shop, respond

__all__ = ["Request", "Response", "Shop", "respond"]

for _page in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_page.name)
