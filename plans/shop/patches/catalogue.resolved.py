"""What the shop sells."""

from __future__ import annotations

from dataclasses import dataclass


class UnknownProduct(LookupError):
    """The shop sells nothing of that name."""


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    price: int
    origin: str
    stock: int


PRODUCTS = (
    Product("mug", "Blue mug", 1250, "Delft", 24),
    Product("pot", "Tea pot", 3900, "Stoke", 3),
    Product("tea", "Green tea", 480, "Uji", 200),
    Product("tin", "Biscuit tin", 1995, "Ghent", 12),
)


def product(sku: str) -> Product:
    """The product of that sku; raises UnknownProduct."""
    for candidate in PRODUCTS:
        if candidate.sku == sku:
            return candidate
    raise UnknownProduct(f"the shop has no {sku!r}")
