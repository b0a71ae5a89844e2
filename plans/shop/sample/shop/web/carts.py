"""One cart per customer."""

from __future__ import annotations

from shop.cart import Cart
from shop.web.routes import Request, Response, Shop, as_json, route


@route("GET", "/carts/{customer}")
def show_cart(shop: Shop, _request: Request, customer: str) -> Response:
    return as_json(describe(shop.carts[customer]))


@route("POST", "/carts/{customer}")
def fill_cart(shop: Shop, request: Request, customer: str) -> Response:
    cart = shop.carts[customer]
    cart.add(str(request.body.get("sku")), int(str(request.body.get("quantity", 1))))
    return as_json(describe(cart))


def describe(cart: Cart) -> dict:
    return {
        "lines": [
            {"sku": line.product.sku, "quantity": line.quantity, "price": line.product.price}
            for line in cart.lines()
        ],
    }
