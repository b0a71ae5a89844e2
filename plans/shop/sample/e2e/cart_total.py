"""Promise: the cart tells what its contents cost."""

from e2e.journey import Journey


class CartTotal(Journey):
    def test_the_total_is_the_price_of_everything_in_the_cart(self) -> None:
        self.fill_cart("ada", mug=2, tea=3)
        self.assertEqual(self.get("/carts/ada").json["total"], 2 * 1250 + 3 * 480)

    def test_an_empty_cart_costs_nothing(self) -> None:
        self.assertEqual(self.get("/carts/nobody").json["total"], 0)
