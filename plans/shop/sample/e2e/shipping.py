"""Promise: shipping costs 4.95 and is free from 50 euros."""

from e2e.journey import Journey


class Shipping(Journey):
    def test_a_small_cart_pays_for_shipping(self) -> None:
        self.fill_cart("ada", mug=1)
        cart = self.get("/carts/ada").json
        self.assertEqual((cart["total"], cart["shipping"], cart["to_pay"]), (1250, 495, 1745))

    def test_a_cart_of_exactly_50_euros_ships_for_free(self) -> None:
        self.fill_cart("bob", mug=4)
        cart = self.get("/carts/bob").json
        self.assertEqual((cart["shipping"], cart["to_pay"]), (0, 5000))

    def test_an_empty_cart_ships_nothing(self) -> None:
        self.assertEqual(self.get("/carts/nobody").json["to_pay"], 0)
