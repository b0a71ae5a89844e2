from unittest import TestCase

from shop.cart import Cart
from shop.catalogue import UnknownProduct


class CartTest(TestCase):
    def test_the_same_product_twice_is_one_line(self) -> None:
        cart = Cart()
        cart.add("tea")
        cart.add("tea", 2)
        self.assertEqual([(line.product.sku, line.quantity) for line in cart.lines()], [("tea", 3)])

    def test_an_unknown_product_is_refused(self) -> None:
        with self.assertRaisesRegex(UnknownProduct, "no 'coffee'"):
            Cart().add("coffee")

    def test_nothing_is_not_a_quantity(self) -> None:
        with self.assertRaises(ValueError):
            Cart().add("tea", 0)
