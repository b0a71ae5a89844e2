"""What customers have bought."""

from __future__ import annotations

from dataclasses import dataclass

from shop.cart import Cart, Line


class EmptyCart(ValueError):
    """Nothing is not an order."""


@dataclass(frozen=True)
class Order:
    number: int
    customer: str
    lines: tuple[Line, ...]


class OrderBook:
    """All orders, numbered from 1."""

    def __init__(self) -> None:
        self._orders: list[Order] = []

    def place(self, customer: str, cart: Cart) -> Order:
        """Turn the cart into an order and empty it; raises EmptyCart."""
        if cart.is_empty():
            raise EmptyCart(f"the cart of {customer} is empty")
        order = Order(len(self._orders) + 1, customer, cart.lines())
        self._orders.append(order)
        cart.clear()
        return order

    def order(self, number: int) -> Order:
        """The order of that number; raises LookupError."""
        if not 1 <= number <= len(self._orders):
            raise LookupError(f"there is no order {number}")
        return self._orders[number - 1]
