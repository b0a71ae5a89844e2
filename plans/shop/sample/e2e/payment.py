"""Promise: an order is paid by a card whose number can exist (its check digit is right)."""

from e2e.journey import Journey


class Payment(Journey):
    def test_a_good_card_pays_the_order(self) -> None:
        number = self.place_order("ada", mug=1)
        paid = self.post(f"/orders/{number}/payment", card="4539578763621486")
        self.assertEqual((paid.status, paid.json), (200, {"number": number, "paid": True}))

    def test_a_card_with_a_mistyped_digit_is_refused(self) -> None:
        number = self.place_order("bob", mug=1)
        refused = self.post(f"/orders/{number}/payment", card="4539578763621487")
        self.assertEqual(refused.status, 400, refused.text)
