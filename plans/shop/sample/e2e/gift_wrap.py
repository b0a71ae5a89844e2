"""Promise: an order can be wrapped as a gift, with a card."""

from e2e.journey import Journey


class GiftWrap(Journey):
    def test_an_order_remembers_its_wrapping_and_its_card(self) -> None:
        self.fill_cart("ada", mug=1)
        order = self.post("/orders", customer="ada", gift="Happy birthday, Bob!").json
        self.assertEqual(order["gift"], "Happy birthday, Bob!")
