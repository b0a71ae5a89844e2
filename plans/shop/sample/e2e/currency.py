"""Promise: the front page shows prices in the currency a customer asks for."""

from e2e.journey import Journey


class Currency(Journey):
    def test_prices_are_in_euros_unless_asked_otherwise(self) -> None:
        self.assertIn("Blue mug <b>€ 12.50</b>", self.get("/").text)

    def test_prices_are_shown_in_dollars_on_request(self) -> None:
        self.assertIn("Blue mug <b>$ 13.50</b>", self.get("/?currency=USD").text)

    def test_a_currency_the_shop_does_not_know_is_refused(self) -> None:
        self.assertEqual(self.get("/?currency=XYZ").status, 400)
