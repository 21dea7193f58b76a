"""One vendor per file, the class always called ``Provider``."""
