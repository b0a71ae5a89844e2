"""Promise: every order has an invoice that can be printed."""

from e2e.journey import Journey


class Invoice(Journey):
    def test_an_invoice_lists_what_was_bought_and_its_sum(self) -> None:
        number = self.place_order("ada", mug=2, tea=1)
        lines = self.get(f"/orders/{number}/invoice").text.splitlines()
        self.assertEqual(lines[0], f"Invoice {number} for ada")
        self.assertEqual(
            [" ".join(line.split()) for line in lines[1:]],
            [
                "2 x Blue mug € 25.00",
                "1 x Green tea € 4.80",
                "To pay € 29.80",
            ],
        )

    def test_an_order_that_was_never_placed_has_no_invoice(self) -> None:
        self.assertEqual(self.get("/orders/99/invoice").status, 404)
