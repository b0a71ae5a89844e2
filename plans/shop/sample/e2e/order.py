"""A customer buys."""

from e2e.journey import Journey


class BuyTea(Journey):
    def test_what_is_in_the_cart_gets_ordered(self) -> None:
        number = self.place_order("ada", tea=3, mug=1)
        lines = self.get(f"/orders/{number}").json["lines"]
        self.assertEqual(lines, [{"sku": "tea", "quantity": 3}, {"sku": "mug", "quantity": 1}])
        self.assertEqual(self.get("/carts/ada").json["lines"], [])

    def test_an_empty_cart_cannot_be_ordered(self) -> None:
        self.assertEqual(self.post("/orders", customer="nobody").status, 400)
