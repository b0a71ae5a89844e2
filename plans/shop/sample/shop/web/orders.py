"""From a full cart to an order."""

from __future__ import annotations

from shop.orders import Order
from shop.web.routes import Request, Response, Shop, as_json, route


@route("POST", "/orders")
def place_order(shop: Shop, request: Request) -> Response:
    customer = str(request.body.get("customer"))
    return as_json(describe(shop.orders.place(customer, shop.carts[customer])), 201)


@route("GET", "/orders/{number}")
def show_order(shop: Shop, _request: Request, number: str) -> Response:
    return as_json(describe(shop.orders.order(int(number))))


def describe(order: Order) -> dict:
    return {
        "number": order.number,
        "customer": order.customer,
        "lines": [{"sku": line.product.sku, "quantity": line.quantity} for line in order.lines],
    }
