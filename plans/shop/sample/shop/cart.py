"""What a customer is about to buy."""

from __future__ import annotations

from dataclasses import dataclass

from shop.catalogue import Product, product


@dataclass(frozen=True)
class Line:
    """Some of one product."""

    product: Product
    quantity: int


class Cart:
    """Quantities by sku, in the order they were first added."""

    def __init__(self) -> None:
        self._quantities: dict[str, int] = {}

    def add(self, sku: str, quantity: int = 1) -> None:
        """Put some more in; raises UnknownProduct, and ValueError unless it is some."""
        wanted = product(sku)
        if quantity < 1:
            raise ValueError(f"{quantity} is not a quantity")
        self._quantities[wanted.sku] = self._quantities.get(wanted.sku, 0) + quantity

    def lines(self) -> tuple[Line, ...]:
        return tuple(Line(product(sku), quantity) for sku, quantity in self._quantities.items())

    def is_empty(self) -> bool:
        return not self._quantities

    def clear(self) -> None:
        self._quantities.clear()
