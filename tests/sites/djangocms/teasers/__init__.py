"""What an app of the site may do with filer: a model with an image."""
