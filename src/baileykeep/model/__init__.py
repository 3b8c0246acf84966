"""The words of the domain: plain frozen data, pure standard library, no behaviour that needs a clock."""
