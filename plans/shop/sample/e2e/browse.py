"""A customer looks around."""

from e2e.journey import Journey


class Browse(Journey):
    def test_the_front_page_shows_what_there_is_to_buy(self) -> None:
        page = self.get("/")
        self.assertEqual(page.status, 200)
        self.assertIn("Green tea", page.text)

    def test_the_catalogue_lists_every_product(self) -> None:
        skus = [product["sku"] for product in self.get("/products").json]
        self.assertEqual(skus, ["mug", "pot", "tea", "tin"])

    def test_a_wrong_address_is_told_kindly(self) -> None:
        self.assertEqual(self.get("/coffee").json, {"error": "nothing is at /coffee"})
