"""A small tea shop: catalogue, carts, orders, and the web in front of them."""
