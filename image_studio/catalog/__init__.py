"""What models and channels can do, cost and when they end. Data first; knows no Django."""
