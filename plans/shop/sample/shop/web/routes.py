"""From a request to the page that answers it, without any HTTP."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shop.cart import Cart
from shop.orders import OrderBook


@dataclass
class Shop:
    """All that changes while the shop is open."""

    carts: dict[str, Cart] = field(default_factory=lambda: defaultdict(Cart))
    orders: OrderBook = field(default_factory=OrderBook)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Response:
    text: str
    status: int = 200
    type: str = "text/plain"


Page = Callable[..., Response]

_routes: list[tuple[str, re.Pattern[str], Page]] = []


def route(method: str, path: str) -> Callable[[Page], Page]:
    """Let a page answer ``path``; what stands for ``{name}`` is passed to it as ``name``."""
    pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))

    def add(page: Page) -> Page:
        _routes.append((method, pattern, page))
        return page

    return add


def as_json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, "application/json")


def respond(shop: Shop, request: Request) -> Response:
    """The answer to a request: what cannot be found is 404, what makes no sense 400."""
    for method, pattern, page in _routes:
        match = pattern.fullmatch(request.path)
        if match and method == request.method:
            return _answer(page, shop, request, match.groupdict())
    return as_json({"error": f"nothing is at {request.path}"}, 404)


def _answer(page: Page, shop: Shop, request: Request, found: dict[str, str]) -> Response:
    try:
        return page(shop, request, **found)
    except LookupError as error:
        return as_json({"error": str(error)}, 404)
    except ValueError as error:
        return as_json({"error": str(error)}, 400)
