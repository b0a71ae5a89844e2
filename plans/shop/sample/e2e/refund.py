"""Promise: a paid order can be paid back, once."""

from e2e.journey import Journey


class Refund(Journey):
    def test_a_paid_order_is_paid_back_once(self) -> None:
        number = self.place_order("ada", mug=1)
        self.post(f"/orders/{number}/payment", card="4539578763621486")
        self.assertEqual(self.post(f"/orders/{number}/refund").status, 200)
        self.assertEqual(self.post(f"/orders/{number}/refund").status, 400)
