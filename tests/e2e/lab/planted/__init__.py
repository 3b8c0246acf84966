"""Known bugs, planted one at a time into a copy of the product: the whole story that guards the rule must fail."""
