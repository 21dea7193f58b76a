"""Fields for any model of any site. Stands outside the layers: may import all, nobody imports it."""
