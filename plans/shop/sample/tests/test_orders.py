from unittest import TestCase

from shop.cart import Cart
from shop.orders import EmptyCart, OrderBook


class OrdersTest(TestCase):
    def test_an_order_empties_the_cart(self) -> None:
        cart, book = Cart(), OrderBook()
        cart.add("pot")
        order = book.place("ada", cart)
        self.assertEqual(order.number, 1)
        self.assertTrue(cart.is_empty())
        self.assertIs(book.order(1), order)

    def test_an_empty_cart_is_not_an_order(self) -> None:
        with self.assertRaises(EmptyCart):
            OrderBook().place("ada", Cart())

    def test_an_order_that_was_never_placed_is_not_found(self) -> None:
        with self.assertRaises(LookupError):
            OrderBook().order(1)
