"""The catalogue, for programs."""

from __future__ import annotations

from dataclasses import asdict

from shop.catalogue import PRODUCTS, product
from shop.web.routes import Request, Response, Shop, as_json, route


@route("GET", "/products")
def list_products(_shop: Shop, _request: Request) -> Response:
    return as_json([asdict(product) for product in PRODUCTS])


@route("GET", "/products/{sku}")
def show_product(_shop: Shop, _request: Request, sku: str) -> Response:
    return as_json(asdict(product(sku)))
