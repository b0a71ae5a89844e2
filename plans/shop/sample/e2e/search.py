"""Promise: customers find a product by a word of its name."""

from e2e.journey import Journey


class Search(Journey):
    def found(self, words: str) -> list[str]:
        return [product["sku"] for product in self.get(f"/products?q={words}").json]

    def test_a_word_finds_every_product_that_has_it(self) -> None:
        self.assertEqual(self.found("tea"), ["pot", "tea"])

    def test_case_does_not_matter(self) -> None:
        self.assertEqual(self.found("BISCUIT"), ["tin"])

    def test_what_the_shop_has_not_is_an_empty_list(self) -> None:
        self.assertEqual(self.found("coffee"), [])
