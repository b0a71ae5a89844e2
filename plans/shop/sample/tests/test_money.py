from unittest import TestCase

from shop.money import show


class MoneyTest(TestCase):
    def test_cents_are_shown_as_euros(self) -> None:
        self.assertEqual(show(1250), "€ 12.50")

    def test_a_few_cents_keep_their_zeros(self) -> None:
        self.assertEqual(show(5), "€ 0.05")
