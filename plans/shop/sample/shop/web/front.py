"""The front page, for people."""

from __future__ import annotations

from html import escape

from shop.catalogue import PRODUCTS, Product
from shop.money import show
from shop.web.routes import Request, Response, Shop, route

PAGE = """<!doctype html>
<html lang="en">
<title>The tea shop</title>
<h1>The tea shop</h1>
<ul>
{products}
</ul>
"""


@route("GET", "/")
def front_page(_shop: Shop, _request: Request) -> Response:
    products = "\n".join(_item(product) for product in PRODUCTS)
    return Response(PAGE.format(products=products), type="text/html")


def _item(product: Product) -> str:
    return f"<li>{escape(product.name)} <b>{show(product.price)}</b></li>"
