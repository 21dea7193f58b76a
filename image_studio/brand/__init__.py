"""The brand kit as frozen values, and the checks. Knows no Django."""
