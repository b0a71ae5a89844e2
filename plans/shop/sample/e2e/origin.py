"""Promise: every product tells where it was made."""

from e2e.journey import Journey


class Origin(Journey):
    def test_every_product_tells_where_it_was_made(self) -> None:
        origins = {product["sku"]: product.get("origin") for product in self.get("/products").json}
        expected = {"mug": "Delft", "pot": "Stoke", "tea": "Uji", "tin": "Ghent"}
        self.assertEqual(origins, expected)
