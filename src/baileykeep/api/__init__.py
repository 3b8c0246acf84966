"""The control protocol over HTTP: health, metrics, and what people and programs may ask."""
