import json
from unittest import TestCase

from shop.web import Request, Response, Shop, respond


class WebTest(TestCase):
    def setUp(self) -> None:
        self.shop = Shop()

    def get(self, path: str, **query: str) -> Response:
        return respond(self.shop, Request("GET", path, query))

    def test_the_front_page_names_every_product_with_its_price(self) -> None:
        page = self.get("/")
        self.assertEqual(page.type, "text/html")
        self.assertIn("<li>Blue mug <b>€ 12.50</b></li>", page.text)

    def test_a_product_is_found_by_its_sku(self) -> None:
        self.assertEqual(json.loads(self.get("/products/tin").text)["name"], "Biscuit tin")

    def test_what_is_not_there_is_not_found(self) -> None:
        self.assertEqual(self.get("/nowhere").status, 404)
        self.assertEqual(self.get("/products/coffee").status, 404)

    def test_what_makes_no_sense_is_refused(self) -> None:
        nobody = Request("POST", "/orders", body={"customer": "nobody"})
        self.assertEqual(respond(self.shop, nobody).status, 400)
