"""Promise: nobody can buy what is not there."""

from e2e.journey import Journey


class Stock(Journey):
    def test_a_product_tells_how_many_are_left(self) -> None:
        self.assertEqual(self.get("/products/pot").json["stock"], 3)

    def test_the_cart_takes_no_more_than_that(self) -> None:
        self.fill_cart("ada", pot=2)
        refusal = self.post("/carts/ada", sku="pot", quantity=2)
        self.assertEqual(refusal.status, 400)
        self.assertIn("only 3", refusal.json["error"])
        self.assertEqual(self.get("/carts/ada").json["lines"][0]["quantity"], 2)
